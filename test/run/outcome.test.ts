import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { outcomeDifferences, readOutcome } from '../../src/run/outcome.js';
import { folderWith } from '../folder.js';

const METRICS = [
  { step: 1, loss: 0.5, 'time/step_s': 1.2, 'memory/rss_bytes': 5 },
  { step: 2, loss: 0.25, 'time/step_s': 1.3, 'memory/rss_bytes': 6 },
];
const lines = (records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

async function run(files: Record<string, string>, manifest = '{"state.json": {"sha256": "1"}}') {
  const folder = await folderWith(files);
  await mkdir(path.join(folder, 'checkpoints/step-000002'), { recursive: true });
  await writeFile(path.join(folder, 'checkpoints/step-000002/manifest.json'), manifest);
  return readOutcome(folder);
}

test('time and memory may differ, and nothing else', async () => {
  const completions = lines([{ step: 1, text: 'a' }]);
  const one = await run({ 'metrics.jsonl': lines(METRICS), 'completions.jsonl': completions });
  const slower = METRICS.map((line) => ({ ...line, 'time/step_s': 9, 'memory/rss_bytes': 9 }));
  const other = await run({ 'metrics.jsonl': lines(slower), 'completions.jsonl': completions });
  expect(outcomeDifferences(one, other)).toEqual([]);
  expect([...one.keys()]).toEqual(['metrics.jsonl', 'completions.jsonl', 'checkpoints/step-000002/manifest.json']);
});

test.each([
  [
    { 'metrics.jsonl': lines([METRICS[0]!, { ...METRICS[1], loss: 0.26 }]) },
    /^metrics\.jsonl: line 2 differs in loss$/,
  ],
  [{ 'metrics.jsonl': lines(METRICS.slice(0, 1)) }, /^metrics\.jsonl: line 2 differs/],
  [{ 'metrics.jsonl': lines(METRICS), 'completions.jsonl': '' }, /^completions\.jsonl is in one of the two runs only$/],
])('what differs is named: %#', async (files, message) => {
  const one = await run({ 'metrics.jsonl': lines(METRICS) });
  expect(outcomeDifferences(one, await run(files))).toEqual([expect.stringMatching(message)]);
});

test('a checkpoint is as good as its digests', async () => {
  const [one, other] = [await run({}), await run({}, '{"state.json": {"sha256": "2"}}')];
  expect(outcomeDifferences(one, other)).toEqual([
    expect.stringContaining('manifest.json: line 1 differs in state.json'),
  ]);
});
