import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scoreFile } from '../../src/rewards/score-file.js';
import { folderWith } from '../dataset/temporary.js';
import { pureRewards, termsOf } from './pure.js';

const question = { question: 'What?', options: ['a fall', 'a fight', 'a fire', 'nothing'] };
const qa = (video: string, answer: string, more = {}) => `${JSON.stringify({ video, ...question, answer, ...more })}\n`;

/** `accuracy` of an answer for each of the ids. */
async function scored(
  files: Record<string, string>,
  data: { train: string[]; eval: string[] },
  said: [string, string][],
) {
  const folder = await folderWith({
    ...files,
    'said.jsonl': said
      .map(([sample_id, letter]) => JSON.stringify({ sample_id, text: `<answer>${letter}</answer>` }))
      .join('\n'),
  });
  const sources = (names: string[]) =>
    names.map((name) => ({
      source: 'jsonl' as const,
      annotations: join(folder, name),
      videos: join(folder, 'videos'),
    }));
  const log: string[] = [];
  const result = await scoreFile({
    completions: join(folder, 'said.jsonl'),
    data: { train: sources(data.train), eval: sources(data.eval), prompt: 'direct' },
    rewards: await pureRewards(termsOf({ accuracy: 1 })),
    log: (message) => log.push(message),
  });
  return { scores: result.scored.map(({ sample_id, reward }) => [sample_id, reward]), leftOut: result.leftOut, log };
}

test('a held-out answer is judged by its own row, not by the training row of a file of the same name', async () => {
  const files = { 'one/set.jsonl': qa('a.mp4', 'A'), 'two/set.jsonl': qa('b.mp4', 'B') };
  const { scores } = await scored(files, { train: ['one/set.jsonl'], eval: ['two/set.jsonl'] }, [
    ['one/set.jsonl:1:qa', 'A'],
    ['two/set.jsonl:1:qa', 'B'],
  ]);
  expect(scores).toEqual([
    ['one/set.jsonl:1:qa', 1],
    ['two/set.jsonl:1:qa', 1],
  ]);
});

test('a row that the run could not use changes no other row’s id', async () => {
  const files = {
    'one/set.jsonl': qa('gone.mp4', 'A') + qa('a.mp4', 'B'),
    'two/set.jsonl': qa('b.mp4', 'C') + qa('c.mp4', 'D'),
    'videos/a.mp4': '',
    'videos/b.mp4': '',
    'videos/c.mp4': '',
  };
  const { scores } = await scored(files, { train: ['one/set.jsonl', 'two/set.jsonl'], eval: [] }, [
    ['one/set.jsonl:2:qa', 'B'],
    ['two/set.jsonl:1:qa', 'C'],
    ['two/set.jsonl:2:qa', 'D'],
  ]);
  expect(scores.map(([, reward]) => reward)).toEqual([1, 1, 1]);
});

test('videos are not looked for, and an id that no row has is told', async () => {
  const files = { 'set.jsonl': qa('/elsewhere/a.mp4', 'A', { id: 'x' }) + qa('b.mp4', 'E', { id: 'y' }) };
  const { scores, leftOut, log } = await scored(files, { train: [], eval: ['set.jsonl'] }, [
    ['set.jsonl:x:qa', 'A'],
    ['set.jsonl:y:qa', 'A'],
  ]);
  expect(scores).toEqual([['set.jsonl:x:qa', 1]]);
  expect(leftOut).toEqual([{ reason: 'the config has no sample of that id', count: 1, rows: [2] }]);
  expect(log).toEqual([
    expect.stringMatching(/1 row left out: the correct option is not one of A, B, C, D \(row 2\)$/),
  ]);
});
