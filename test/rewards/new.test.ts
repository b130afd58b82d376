import { describe, expect, it } from 'vitest';
import { type RewardConfig, rewardSchema } from '../../src/config/rewards.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import type { Sample } from '../../src/dataset/sample.js';
import type { RewardInput } from '../../src/rewards/reward.js';
import { Rewards } from '../../src/rewards/rewards.js';
import { anomalySample, answering, clsSample, grounding, normalSample, qaSample, reasoningSample } from './samples.js';

type Name = RewardConfig['name'];

/** What a reward with these options says of a completion. */
async function score(name: Name, sample: Sample, text: string, options: object = {}, more: Partial<RewardInput> = {}) {
  const term = rewardSchema.parse({ name, ...options });
  const rewards = await Rewards.open({ terms: [term], rollout: { max_completion_length: 100, num_generations: 8 } });
  const [scores] = await rewards.scoreGroup([{ text, sample, style: 'think', classes, ...more }]);
  return scores!.rewards[name];
}

describe('temporal_giou (annotated: 5 to 10 s)', () => {
  it.each([
    { span: '[5, 10]', expected: 1 },
    { span: '[0, 10]', expected: 0.5 },
    // Apart by 2 s of 7 s, and by 15 s of 20 s.
    { span: '[3, 3.5]', expected: -1.5 / 7 },
    { span: '[25, 26]', expected: -15 / 21 },
    { span: '[10, 12]', expected: 0 },
  ])('$span: $expected', async ({ span, expected }) => {
    expect(await score('temporal_giou', anomalySample, grounding('Anomaly', span))).toBeCloseTo(expected, 10);
  });
  it.each([
    [normalSample, grounding('Normal', '[-1, -1]'), 1],
    [normalSample, grounding('Anomaly', '[5, 10]'), -1],
    [anomalySample, grounding('Normal', '[-1, -1]'), -1],
    [anomalySample, 'nothing', -1],
  ] as const)('normal, contradicted or unread', async (sample, text, expected) => {
    expect(await score('temporal_giou', sample, text)).toBe(expected);
  });
});

describe('temporal_distance (annotated: 5 to 10 s)', () => {
  it.each([
    { span: '[5, 10]', expected: 1 },
    // 3 s off at the start, 5 s at the end, of 10.
    { span: '[8, 15]', expected: (0.7 + 0.5) / 2 },
    { span: '[5, 400]', expected: 0.5 },
    { span: '[300, 400]', expected: 0 },
  ])('$span: $expected', async ({ span, expected }) => {
    expect(await score('temporal_distance', anomalySample, grounding('Anomaly', span))).toBeCloseTo(expected, 10);
  });
  it('has a scale, and knows normal', async () => {
    expect(await score('temporal_distance', anomalySample, grounding('Anomaly', '[8, 15]'), { scale: 5 })).toBeCloseTo(
      0.2,
    );
    expect(await score('temporal_distance', normalSample, grounding('Normal', '[-1, -1]'))).toBe(1);
    expect(await score('temporal_distance', normalSample, grounding('Anomaly', '[5, 10]'))).toBe(0);
    expect(await score('temporal_distance', anomalySample, 'nothing')).toBe(0);
  });
});

describe('soft_overlong: DAPO’s example, 16,384 tokens and a cache of 4,096', () => {
  const options = { max_completion_length: 20480, soft_punish_cache: 4096 };
  it.each([
    [1, 0],
    [16384, 0],
    [16385, -1 / 4096],
    [18432, -0.5],
    [20480, -1],
    [30000, -1],
  ])('%s tokens: %s', async (tokens, expected) => {
    expect(await score('soft_overlong', qaSample, '', options, { tokens })).toBeCloseTo(expected, 10);
  });
  it('takes its limit from the rollout, a fifth of it for the cache', async () => {
    const of = (tokens?: number) => score('soft_overlong', qaSample, '', {}, { tokens });
    expect(await of(80)).toBe(0);
    expect(await of(90)).toBe(-0.5);
    expect(await of(100)).toBe(-1);
    expect(await of()).toBeNull();
  });
});

describe('length', () => {
  const right = answering('B');
  it.each([
    [319, right, 0],
    [320, right, 1],
    [512, right, 1],
    [513, right, 0],
    [400, answering('A'), 0],
    [400, 'nothing', 0],
  ] as const)('Video-R1’s range: %s tokens of %s', async (tokens, text, expected) => {
    expect(await score('length', qaSample, text, {}, { tokens })).toBe(expected);
  });
  it('a range of its own for normal videos, and for answers that no rule can tell', async () => {
    const ranges = { min_length: 300, max_length: 500, normal_min_length: 100, normal_max_length: 200 };
    const normal = grounding('Normal', '[-1, -1]');
    expect(await score('length', normalSample, normal, ranges, { tokens: 150 })).toBe(1);
    expect(await score('length', normalSample, normal, ranges, { tokens: 350 })).toBe(0);
    expect(await score('length', anomalySample, grounding('Anomaly', '[5, 10]'), ranges, { tokens: 350 })).toBe(1);
    expect(await score('length', reasoningSample, answering('A fire.'), ranges, { tokens: 350 })).toBe(1);
    expect(await score('length', qaSample, answering('A'), { only_right: false }, { tokens: 400 })).toBe(1);
  });
});

describe('repetition', () => {
  it.each([
    // 4 n-grams of 3 words, all different; 4 of which 2 differ; too short to repeat itself.
    ['one two three four five six', 0],
    ['so it is so it is', -(1 - 3 / 4)],
    ['A a A a a A', -(1 - 1 / 4)],
    ['a b', 0],
    ['', 0],
  ])('%s', async (text, expected) => {
    expect(await score('repetition', qaSample, text)).toBeCloseTo(expected, 10);
  });
  it('has a size and a height of its own', async () => {
    expect(await score('repetition', qaSample, 'a a a', { ngram_size: 1, max_penalty: -3 })).toBeCloseTo(-2, 10);
  });
});

describe('key_points', () => {
  const sample = { ...reasoningSample, class: 'Traffic_accident', keyObject: 'red car, two cyclists' };
  it.each([
    ['A traffic accident: a red car hits two cyclists.', 1],
    ['A Traffic-Accident. A red car turns.', 0.75],
    ['A fire, or a traffic accident, of a red car and two cyclists', 0.5],
    ['Nothing.', 0],
  ])('%s', async (answer, expected) => {
    expect(await score('key_points', sample, answering(answer))).toBeCloseTo(expected, 10);
  });
  it('each half alone where the other is not annotated; nothing where neither is', async () => {
    expect(await score('key_points', { ...sample, keyObject: undefined }, answering('a traffic accident'))).toBe(1);
    expect(await score('key_points', { ...sample, class: undefined }, answering('a red car'))).toBe(0.5);
    expect(await score('key_points', reasoningSample, answering('a red car'))).toBeNull();
    expect(await score('key_points', clsSample, answering('Fire'))).toBeNull();
  });
});
