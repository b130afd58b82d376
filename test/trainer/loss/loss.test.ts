import { describe, expect, it } from 'vitest';
import { uniform } from '../../../src/system/random.js';
import { grpoLoss, type TokenTerms } from '../../../src/trainer/loss/loss.js';
import type { LossType } from '../../../src/trainer/loss/objective.js';
import { tokenWeights } from '../../../src/trainer/loss/weights.js';
import { objectiveWith } from '../objective.js';

describe('tokenWeights', () => {
  /** A micro-batch of completions of 3, 1 and no tokens, in a step of 5 completions and 10 tokens in 2 micro-batches. */
  const weightsOf = (lossType: LossType, counts = [true, true, true]) => [
    ...tokenWeights({
      lossType,
      offsets: Int32Array.of(0, 3, 4, 4),
      counts,
      totals: { sequences: 5, tokens: 10, microBatches: 2 },
      maxCompletionLength: 16,
    }),
  ];

  it('grpo: the mean over sequences of the mean over tokens', () => {
    expect(weightsOf('grpo')).toEqual([1 / 15, 1 / 15, 1 / 15, 1 / 5]);
  });
  it('dapo: the mean over all tokens of the step', () => {
    expect(weightsOf('dapo')).toEqual([0.1, 0.1, 0.1, 0.1]);
  });
  it('bnpo: the mean over micro-batches of the mean over tokens', () => {
    expect(weightsOf('bnpo')).toEqual([0.125, 0.125, 0.125, 0.125]);
  });
  it.each(['grpo', 'dapo', 'dr_grpo'] as const)(
    '%s: 0 for what is not learned from, the others as they were',
    (lossType) => {
      const [first, ...rest] = weightsOf(lossType, [false, true, true]);
      expect([first, ...rest]).toEqual([0, 0, 0, weightsOf(lossType)[3]]);
    },
  );
  it('bnpo: the mean is over tokens that are learned from', () => {
    expect(weightsOf('bnpo', [true, false, true])).toEqual([1 / 6, 1 / 6, 1 / 6, 0]);
  });
  it('dr_grpo: a constant, whatever the lengths', () => {
    expect(weightsOf('dr_grpo')).toEqual([1 / 80, 1 / 80, 1 / 80, 1 / 80]);
  });
});

const settings = objectiveWith({ beta: 0, epsilon: 0.2, epsilon_high: 0.3 });
const offsets = Int32Array.of(0, 1);
/** One token of weight 2 with ratio `ratio` to the old policy. */
const oneToken = (advantage: number, ratio: number): TokenTerms => ({
  weights: Float64Array.of(2),
  advantages: Float64Array.of(advantage),
  logprobs: Float32Array.of(-1),
  oldLogprobs: Float32Array.of(-1 - Math.log(ratio)),
});

describe('the clipped ratio', () => {
  it.each([
    { what: 'inside', advantage: 1, ratio: 1.1, loss: -2.2, gradient: -2.2, low: 0, high: 0 },
    { what: 'inside, below', advantage: -1, ratio: 0.9, loss: 1.8, gradient: 1.8, low: 0, high: 0 },
    {
      what: 'over the upper bound with A > 0: clipped',
      advantage: 1,
      ratio: 1.5,
      loss: -2.6,
      gradient: 0,
      low: 0,
      high: 1,
    },
    { what: 'over the upper bound with A < 0: not', advantage: -1, ratio: 1.5, loss: 3, gradient: 3, low: 0, high: 0 },
    {
      what: 'under the lower bound with A < 0: clipped',
      advantage: -1,
      ratio: 0.5,
      loss: 1.6,
      gradient: 0,
      low: 1,
      high: 0,
    },
    {
      what: 'under the lower bound with A > 0: not',
      advantage: 1,
      ratio: 0.5,
      loss: -1,
      gradient: -1,
      low: 0,
      high: 0,
    },
    { what: 'no advantage', advantage: 0, ratio: 5, loss: 0, gradient: 0, low: 0, high: 0 },
  ])('$what', ({ advantage, ratio, loss, gradient, low, high }) => {
    const parts = grpoLoss({ terms: oneToken(advantage, ratio), offsets, objective: settings });
    expect(parts.loss).toBeCloseTo(loss, 5);
    expect(parts.gradient[0]).toBeCloseTo(gradient, 5);
    expect([parts.clippedLow, parts.clippedHigh]).toEqual([low, high]);
  });

  it('on-policy the ratio is one', () => {
    const { oldLogprobs: _, ...terms } = oneToken(3, 1);
    const { loss, gradient, kl } = grpoLoss({ terms, offsets, objective: settings });
    expect([loss, [...gradient], kl]).toEqual([-6, [-6], 0]);
  });
});

describe('the divergence from the reference', () => {
  it('is exp(d) − d − 1 with d = logπ_ref − logπ, weighed by β', () => {
    const terms: TokenTerms = {
      weights: Float64Array.of(0.5),
      advantages: Float64Array.of(0),
      logprobs: Float32Array.of(-2),
      referenceLogprobs: Float32Array.of(-1),
    };
    const { loss, gradient, kl } = grpoLoss({ terms, offsets, objective: { ...settings, beta: 0.04 } });
    expect(kl).toBeCloseTo(Math.E - 2, 6);
    expect(loss).toBeCloseTo(0.5 * 0.04 * (Math.E - 2), 6);
    expect(gradient[0]).toBeCloseTo(0.5 * 0.04 * (1 - Math.E), 6);
  });

  it('is never negative, and zero where both agree', () => {
    const n = 1000;
    const logprobs = Float32Array.from({ length: n }, (_, i) => -10 * uniform(1, i));
    const ones = new Float64Array(n).fill(1);
    for (const [i, logprob] of logprobs.entries()) {
      const terms = {
        weights: ones.subarray(0, 1),
        advantages: new Float64Array(1),
        logprobs: Float32Array.of(logprob),
      };
      const reference = i % 10 === 0 ? logprob : -10 * uniform(2, i);
      const { kl } = grpoLoss({
        terms: { ...terms, referenceLogprobs: Float32Array.of(reference) },
        offsets,
        objective: settings,
      });
      expect(kl).toBeGreaterThanOrEqual(0);
      if (i % 10 === 0) expect(kl).toBe(0);
    }
  });
});

it('the gradient is the slope of the loss, token by token', () => {
  const n = 40;
  const column = (key: number, scale: number) => Array.from({ length: n }, (_, i) => scale * (uniform(key, i) - 0.5));
  const logprobs = column(1, 1).map((x) => Math.fround(x - 2));
  const terms = {
    weights: Float64Array.from(column(2, 1), Math.abs),
    advantages: Float64Array.from(column(3, 4)),
    oldLogprobs: Float32Array.from(column(4, 1).map((x) => x - 2)),
    referenceLogprobs: Float32Array.from(column(5, 2).map((x) => x - 2)),
  };
  const at = (values: number[]) =>
    grpoLoss({
      terms: { ...terms, logprobs: Float32Array.from(values) },
      offsets,
      objective: { ...settings, beta: 0.1, epsilon_high: 0.28 },
    });
  const { gradient, clippedLow, clippedHigh } = at(logprobs);
  expect(clippedLow).toBeGreaterThan(0);
  expect(clippedHigh).toBeGreaterThan(0);
  const h = 2 ** -10;
  for (const [t, value] of logprobs.entries()) {
    const slope = (at(logprobs.with(t, value + h)).loss - at(logprobs.with(t, value - h)).loss) / (2 * h);
    expect(gradient[t]).toBeCloseTo(slope, 4);
  }
});
