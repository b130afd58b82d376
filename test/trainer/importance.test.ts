import { expect, it } from 'vitest';
import { type ImportanceMode, importanceWeights } from '../../src/trainer/importance.js';

/** Two completions, of 3 tokens and 2, whose ratios to the sampler are 2, 1/2, 4 and 1/4, unknown. */
const weightsOf = (mode: ImportanceMode) => {
  const logs = [2, 0.5, 4, 0.25, Number.NaN].map(Math.log);
  const weights = importanceWeights({
    oldLogprobs: Float32Array.from(logs, () => -1),
    behaviourLogprobs: Float32Array.from(logs, (log) => -1 - log),
    offsets: Int32Array.of(0, 3, 5),
    mode,
    clipMax: 3,
  });
  return Array.from(weights, (weight) => Number(weight.toFixed(5)));
};

it.each([
  ['token_truncate', [2, 0.5, 3, 0.25, 1]],
  ['token_mask', [2, 0.5, 0, 0.25, 1]],
  ['sequence_truncate', [3, 3, 3, 0.25, 0.25]],
  ['sequence_mask', [0, 0, 0, 0.25, 0.25]],
] as const)('%s', (mode, expected) => {
  expect(weightsOf(mode)).toEqual(expected);
});
