import { expect, test } from 'vitest';
import { command } from '../../../src/cli/commands/score.js';
import { folderWith, vauBench } from '../../dataset/temporary.js';
import { answering, grounding } from '../../rewards/samples.js';
import { runCommand } from './run.js';

async function score(lines: unknown[], ...args: string[]) {
  const folder = await folderWith({ 'val.csv': vauBench([{}, { video: 'b.mp4', answer: 'B' }]) });
  const source = (task: string) =>
    `{source: vau-bench, annotations: ${folder}/val.csv, videos: /nowhere, task: ${task}}`;
  const files = await folderWith({
    'run.yaml': `name: x\nmodel: {path: m}\ndata:\n  train: [${source('qa')}]\n  eval: [${source('tag')}]\n`,
    'texts.jsonl': lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  });
  return runCommand(command, [
    'score',
    '--config',
    `${files}/run.yaml`,
    '--completions',
    `${files}/texts.jsonl`,
    ...args,
  ]);
}

const LINES = [
  { step: 1, sample_id: 'val.csv:2:qa', generation: 0, text: answering('A') },
  { id: 'val.csv:3:qa', text: 'B' },
  { id: 'val.csv:2:tag', text: grounding('Anomaly', '[1.5, 6.5]') },
  { id: 'val.csv:99:tag', text: '' },
  'garbage',
];

test('a JSON line for each completion; lines that name no sample are counted', async () => {
  const { stdout, stderr } = await score(LINES, '--json', '--set', 'rewards.format.weight=0.5');
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      line: 1,
      sample_id: 'val.csv:2:qa',
      task: 'qa',
      rewards: { format: 1, accuracy: 1, temporal_iou: null },
      reward: 1.5,
    },
    {
      line: 2,
      sample_id: 'val.csv:3:qa',
      task: 'qa',
      rewards: { format: 0, accuracy: 0, temporal_iou: null },
      reward: 0,
    },
    {
      line: 3,
      sample_id: 'val.csv:2:tag',
      task: 'tag',
      rewards: { format: 1, accuracy: 1, temporal_iou: 0.5 },
      reward: 2,
    },
  ]);
  expect(stderr).toMatch(
    /1 row left out: not a JSON object .*\(row 5\)\n.*1 row left out: the config has no sample of that id \(row 4\)/,
  );
});

test('a table with means', async () => {
  const { stdout } = await score(LINES);
  expect(stdout).toMatch(/^ +1 {2}val\.csv:2:qa +1\.000 +1\.000 +– +2\.000$/m);
  expect(stdout).toMatch(/mean of 3 +0\.667 +0\.667 +0\.500 +1\.500$/m);
});

test('texts of another config', async () => {
  await expect(score([{ id: 'other.csv:2:qa', text: '' }])).rejects.toMatchObject({
    code: 'DATA_NOTHING_USABLE',
    message: expect.stringContaining('val.csv:2:tag'),
  });
});
