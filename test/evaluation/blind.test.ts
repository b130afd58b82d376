import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TaskName } from '../../src/config/task-names.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { loadSamples } from '../../src/dataset/load.js';
import type { OptionLetter } from '../../src/dataset/sample.js';
import { blindBaselines, blindReward } from '../../src/evaluation/blind.js';
import { blindReport } from '../../src/evaluation/blind-report.js';
import { ALL, pureRewards } from '../rewards/pure.js';
import { interval, normal, sampleOf } from '../tasks/judged.js';

const qa = (answer: OptionLetter, ...options: string[]) =>
  sampleOf('qa', { question: '?', answer, options: options as [string, string, string, string] });

test('guessers learn from the training samples and are measured on the others; the best is the bar', async () => {
  const train = [
    ...(['B', 'B', 'A'] as const).map((answer) => qa(answer, 'x', 'x', 'x', 'x')),
    ...[interval(2, 7), interval(2, 7), normal].map((segment) => sampleOf('tag', { segment })),
    ...['Fire', 'Fire', 'Arson'].map((label) => sampleOf('cls', { class: label })),
  ];
  const held = [
    qa('A', 'the longest', 'b', 'c', 'd'),
    qa('C', 'a', 'b', 'the longest', 'd'),
    qa('B', 'a', 'b', 'the longest', 'd'),
    ...[interval(2, 12), normal, normal].map((segment) => sampleOf('tag', { segment })),
    ...['Fire', 'Arson'].map((label) => sampleOf('cls', { class: label })),
  ];
  const rewards = await pureRewards(ALL);
  const baselines = await blindBaselines({ train, held, classes, rewards, seed: 1 });
  expect(baselines.map(({ task, name, metric, candidates }) => ({ task, name, metric, candidates }))).toEqual([
    {
      task: 'qa',
      name: 'longest option',
      metric: 'accuracy',
      candidates: { 'always B': 1 / 3, 'longest option': 2 / 3 },
    },
    {
      task: 'tag',
      name: 'always normal',
      metric: 'miou',
      candidates: { 'always 2–7 s': 0.5 / 3, 'always normal': 2 / 3 },
    },
    { task: 'cls', name: 'always Fire', metric: 'accuracy', candidates: { 'always Fire': 0.5 } },
  ]);
  // Right form, and two thirds of the answers; for tag also the segment of the two normal videos.
  expect(baselines.map(({ reward }) => reward)).toEqual(
    [1 + 2 / 3, 1 + 2 / 3 + 2 / 3, 1.5].map((value) => expect.closeTo(value, 10)),
  );
  expect(blindReward(baselines)).toBeCloseTo((3 * (5 / 3) + 3 * (7 / 3) + 2 * 1.5) / 8, 10);
  for (const { value, interval: bounds } of baselines) expect(bounds.low <= value && value <= bounds.high).toBe(true);
});

test('without training samples, those that need none', async () => {
  const baselines = await blindBaselines({
    train: [],
    held: [sampleOf('tag', { segment: normal }), sampleOf('cls', { class: 'Fire' })],
    classes,
    rewards: await pureRewards([]),
    seed: 1,
  });
  expect(baselines.map(({ name, value }) => [name, value])).toEqual([['always normal', 1]]);
});

const benchmark = process.env.VAU_BENCH_DIR;

describe.skipIf(!benchmark)('on the released files', () => {
  const load = async (name: string, task: TaskName) =>
    (await loadSamples({ source: 'vau-bench', annotations: join(benchmark!, name), task })).samples;

  test.each([
    ['test_msad.csv', 43.8, 68.3],
    ['test_ucf_crime.csv', 75.7, 59.0],
  ])('multiple choice of %s: the longest option %d %, always A %d %', async (name, longest, always) => {
    const [baseline] = await blindBaselines({
      train: await load('val.csv', 'qa'),
      held: await load(name, 'qa'),
      classes,
      rewards: await pureRewards([]),
      seed: 1,
    });
    expect(100 * baseline!.candidates['longest option']!).toBeCloseTo(longest, 1);
    expect(100 * baseline!.candidates['always A']!).toBeCloseTo(always, 1);
  });

  test('grounding of MSAD: always 1–15 s, by the val rows of its source; and always anomaly', async () => {
    const at = (name: string) => join(benchmark!, name);
    const tables = await blindReport({ files: [at('test_msad.csv')], train: [at('val.csv')], classes, seed: 1 });
    const [, tag, cls] = tables;
    const figure = (guesser: string, metric: string, table = tag!) =>
      table.guessers.find(({ name }) => name === guesser)!.figures.find((one) => one.metric === metric)!.value;
    expect(tag).toMatchObject({ task: 'tag', samples: 240, train: { samples: 96, source: 'msad' } });
    expect(100 * figure('always 1–15 s', 'anomaly/miou')).toBeCloseTo(41.06, 2);
    expect(figure('always 1–15 s', 'binary_accuracy')).toBe(0.5);
    expect(figure('always Normal', 'accuracy', cls!)).toBe(0.5);
  });
});
