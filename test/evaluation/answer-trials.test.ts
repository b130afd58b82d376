import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Sample } from '../../src/dataset/sample.js';
import { answerTrials } from '../../src/evaluation/answer-trials.js';
import type { Answerer } from '../../src/evaluation/answerer.js';
import { Answers } from '../../src/evaluation/answers.js';
import { trialsOf } from '../../src/evaluation/trials.js';
import type { ProcessGroup } from '../../src/parallel/process-group.js';
import { SampleError } from '../../src/system/errors.js';
import { Interrupted } from '../../src/system/interrupted.js';
import { folderWith } from '../folder.js';
import { inMemoryGroup } from '../parallel/in-memory.js';
import { sampleOf } from '../tasks/judged.js';

const samples = Array.from(
  { length: 23 },
  (_, i): Sample => ({
    ...sampleOf('tag', { segment: { kind: 'normal' } }),
    id: `s${i}`,
    visuals: [{ kind: 'video', file: `/${i}.mp4` }],
  }),
);
const settings = { prompts: ['think' as const, 'direct' as const], option_orders: 1, votes: 3, views: [] };
const sampling = {
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  max_completion_length: 9,
  min_completion_length: 0,
};

/** Answers what depends on all of a batch, as rounding does; notes what it is asked. */
function answerer(onBatch: () => void = () => {}) {
  const batches: string[][] = [];
  const one: Answerer<{ id: string }> = {
    isBatched: true,
    prepare: async ({ asked }) => {
      if (asked.id === 's7') throw new SampleError({ code: 'X', message: 'no', reason: 'cannot be read' });
      return asked.id === 's8' ? null : { id: asked.id };
    },
    length: ({ id }) => (Number(id.slice(1)) * 7) % 23,
    answer: async ({ prepared, numGenerations, sampling: { temperature }, uniform }) => {
      onBatch();
      const ids = prepared.map(({ id }) => id);
      batches.push(ids);
      return ids.map((id, b) =>
        Array.from({ length: numGenerations }, (_, g) => ({
          text: `${id} with ${ids.join(' ')} ${temperature === 0 ? 'greedy' : uniform(b, g, 0).toFixed(6)}`,
          tokens: 3,
        })),
      );
    },
  };
  return { one, batches };
}

async function run(file: string, onBatch?: () => void, signal?: AbortSignal, group?: ProcessGroup) {
  const answers = group === undefined || group.rank === 0 ? await Answers.open(file) : Answers.inMemory();
  const { one, batches } = answerer(onBatch);
  const trials = trialsOf({ samples, settings, seed: 5 });
  const told: string[] = [];
  try {
    await answerTrials({
      answerer: one,
      trials,
      answers,
      sampling,
      batchSize: 4,
      seed: 5,
      log: (text) => told.push(text),
      signal,
      group,
    });
  } finally {
    await answers.close();
  }
  return { batches, told, trials, answers };
}

/** Without what differs from time to time. */
const contents = async (file: string) =>
  (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ seconds: _, ...line }) => JSON.stringify(line))
    .sort();

test('questions of one kind share a batch, alike in length; what cannot be shown is noted', async () => {
  const file = path.join(await folderWith({}), 'answers.jsonl');
  const { batches, trials, answers } = await run(file);
  expect(batches.every(({ length }) => length <= 4)).toBe(true);
  const lengthOf = (id: string) => (Number(id.slice(1)) * 7) % 23;
  const firstWindow = batches.slice(0, 2).flat().map(lengthOf);
  expect(firstWindow).toEqual(firstWindow.toSorted((a, b) => b - a));
  expect(answers.of(trials.find(({ name }) => name === 'votes')!)).toHaveLength(3);
  expect(answers.leftOut({ name: 'answer', style: 'think', sample: samples[7]! })).toBe('cannot be read');
  expect(answers.leftOut({ name: 'answer', style: 'think', sample: samples[8]! })).toBe('nothing is left to be shown');
});

test('stopped again and again, even in the middle of a line, it ends with the same answers, none asked for twice', async () => {
  const whole = path.join(await folderWith({}), 'answers.jsonl');
  const { batches } = await run(whole);
  const file = path.join(await folderWith({}), 'answers.jsonl');
  let asked = 0;
  for (const stopAfter of [1, 4, 7]) {
    const stop = new AbortController();
    let count = 0;
    await expect(
      run(
        file,
        () => {
          asked += 1;
          count += 1;
          if (count === stopAfter) stop.abort();
        },
        stop.signal,
      ),
    ).rejects.toThrow(Interrupted);
    await appendFile(file, '{"trial":"answer","prompt":"think","sample_id":"s1","generation":0,"te');
  }
  const last = await run(file);
  expect(asked + last.batches.length).toBe(batches.length);
  const unique = async (name: string) => [...new Set(await contents(name))];
  expect(await unique(file)).toEqual(await unique(whole));
  // All is there: nobody is asked.
  expect((await run(file)).batches).toEqual([]);
});

test('several processes share the questions, and have the answers of one, however they are stopped', async () => {
  const alone = path.join(await folderWith({}), 'answers.jsonl');
  const { batches } = await run(alone);
  const file = path.join(await folderWith({}), 'answers.jsonl');
  const stop = new AbortController();
  let count = 0;
  const stopped = await Promise.allSettled(
    inMemoryGroup(3).map((group) => {
      // One of them alone hears of it.
      const onBatch = () => void (group.rank === 1 && ++count === 2 && stop.abort());
      return run(file, onBatch, group.rank === 1 ? stop.signal : undefined, group);
    }),
  );
  for (const end of stopped) expect(end).toMatchObject({ status: 'rejected', reason: expect.any(Interrupted) });
  const before = (await contents(file)).length;
  expect(before).toBeGreaterThan(0);
  const ended = await Promise.all(inMemoryGroup(3).map((group) => run(file, undefined, undefined, group)));
  expect(await contents(file)).toEqual(await contents(alone));
  const asked = ended.flatMap((one) => one.batches);
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(batches.length);
  for (const { answers, trials } of ended)
    expect(trials.every((trial) => answers.has(trial) || answers.leftOut(trial) !== undefined)).toBe(true);
});
