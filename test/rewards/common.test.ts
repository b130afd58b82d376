import { describe, expect, test } from 'vitest';
import { rewardSchema } from '../../src/config/rewards.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { REWARDS } from '../../src/rewards/registry.js';
import type { PureReward } from '../../src/rewards/reward.js';
import { permutation, randomBits } from '../../src/system/random.js';
import { anomalySample, answering, clsSample, grounding, normalSample, qaSample, reasoningSample } from './samples.js';

const SAMPLES = [qaSample, normalSample, anomalySample, clsSample, reasoningSample];

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
  grounding('Anomaly', '[6, 12]'),
  grounding('Normal', '[-1, -1]'),
];

const RULES = REWARDS.filter((reward): reward is PureReward => 'score' in reward);

describe.each(RULES.map((reward) => [reward.name, reward] as const))('%s', (_, reward) => {
  const inputs = SAMPLES.filter(({ task }) => reward.appliesTo(task)).flatMap((sample) =>
    (['think', 'direct'] as const).flatMap((style) => TEXTS.map((text) => ({ text, sample, style, classes }))),
  );

  test('applies to some task', () => {
    expect(inputs.length).toBeGreaterThan(0);
  });

  test('is a number in [0, 1] for any text', () => {
    for (const input of inputs) {
      const value = reward.score(input);
      expect(value >= 0 && value <= 1, `${value} for ${JSON.stringify(input.text)}`).toBe(true);
    }
  });

  test('reaches 0 and more', () => {
    const values = inputs.map((input) => reward.score(input));
    expect(Math.min(...values)).toBe(0);
    expect(Math.max(...values)).toBeGreaterThan(0.5);
  });

  test('depends on nothing but its input, and leaves that as it is', () => {
    const frozen = inputs.map((input) => Object.freeze({ ...input, sample: Object.freeze({ ...input.sample }) }));
    const forward = frozen.map((input) => reward.score(input));
    const backward = [...frozen].reverse().map((input) => reward.score(input));
    expect(backward.reverse()).toEqual(forward);
  });
});

test('the config has options for the rewards that there are', () => {
  const names = rewardSchema.options.map(({ shape }) => shape.name.value);
  expect(REWARDS.map(({ name }) => name)).toEqual(names);
});
