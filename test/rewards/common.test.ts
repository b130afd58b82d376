import { describe, expect, test } from 'vitest';
import { rewardSchema } from '../../src/config/rewards.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { REWARDS } from '../../src/rewards/registry.js';
import type { PureReward, RewardInput } from '../../src/rewards/reward.js';
import { permutation, randomBits } from '../../src/system/random.js';
import { anomalySample, answering, clsSample, grounding, normalSample, qaSample, reasoningSample } from './samples.js';

const SAMPLES = [
  qaSample,
  normalSample,
  anomalySample,
  clsSample,
  { ...reasoningSample, class: 'Fire', keyObject: 'A' },
];

const PIECES = [
  '<think>',
  '</think>',
  '<answer>',
  '</answer>',
  '<glue>',
  '</glue>',
  '<glue',
  '>',
  '<',
  '[',
  ']',
  ',',
  '-1',
  '5.0',
  '1e309',
  'NaN',
  'Infinity',
  '-',
  '.',
  'A',
  'B.',
  '(C)',
  'Anomaly',
  'Normal',
  'Fire',
  'Traffic accident',
  ' ',
  '\n',
  '\0',
  '\uD800',
  '🔥',
  '减速',
  '__proto__',
  'constructor',
  '\\',
  '$&',
  'x'.repeat(5000),
];

/** Texts of pieces in random order, and right completions. */
const TEXTS = [
  ...PIECES,
  ...Array.from({ length: 400 }, (_, i) => {
    const order = permutation(PIECES.length, 7, i);
    return Array.from(order.subarray(0, 1 + (randomBits(7, i) % 14)), (index) => PIECES[index]).join('');
  }),
  answering('B'),
  answering('traffic accident'),
  answering('a fire'),
  'it is so it is so it is so it is so',
  grounding('Anomaly', '[6, 12]'),
  grounding('Normal', '[-1, -1]'),
];

const RULES = REWARDS.filter((reward): reward is PureReward => 'score' in reward);
const context = { signal: new AbortController().signal, max_completion_length: 100, num_generations: 8 };

/** The least and the most that a reward gives to these texts. */
const RANGES: Record<string, [number, number]> = {
  temporal_giou: [-1, 1],
  soft_overlong: [-1, 0],
  repetition: [-1, 0],
};

describe.each(RULES.map((reward) => [reward.name, reward] as const))('%s', async (name, reward) => {
  const [least, most] = RANGES[name] ?? [0, 1];
  const scorer = await reward.open(rewardSchema.parse({ name }), context);
  const scoresOf = async (group: RewardInput[]) =>
    (await scorer.scoreGroup(group, async () => [])).flatMap((verdict) => ('score' in verdict ? verdict.score : []));
  const inputs = SAMPLES.filter(({ task }) => reward.appliesTo(task)).flatMap((sample) =>
    (['think', 'direct'] as const).flatMap((style) =>
      TEXTS.map((text, i) => ({ text, sample, style, classes, tokens: 40 * (i % 15) })),
    ),
  );

  test('applies to some task', () => {
    expect(inputs.length).toBeGreaterThan(0);
  });

  test('is a number within its range for any text', async () => {
    for (const input of inputs)
      for (const value of await scoresOf([input]))
        expect(value >= least && value <= most, `${value} for ${JSON.stringify(input.text)}`).toBe(true);
  });

  test('tells texts apart', async () => {
    const values = await scoresOf(inputs);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.4);
    expect(values).toContain(most === 0 ? 0 : least);
  });

  test('depends on nothing but its input, and leaves that as it is', async () => {
    const frozen = inputs.map((input) => Object.freeze({ ...input, sample: Object.freeze({ ...input.sample }) }));
    const forward = await scoresOf(frozen);
    const backward = await scoresOf([...frozen].reverse());
    expect(backward.reverse()).toEqual(forward);
  });
});

test('the config has options for the rewards that there are', () => {
  const names = rewardSchema.options.map(({ shape }) => shape.name.value);
  expect(REWARDS.map(({ name }) => name)).toEqual(names);
});
