import { beforeAll, expect, it } from 'vitest';
import { sliceAttention, sliceAttentionBackward, splitThree } from '../../../src/policy/vision/attention.js';
import { sliceRuns } from '../../../src/policy/vision/patch-positions.js';
import { downloadFloats } from '../../../src/tensor/ops.js';
import { activeBackend, startRuntime } from '../../../src/tensor/runtime.js';
import { scope } from '../../../src/tensor/tensor.js';
import { at, build, map, random, toDevice } from '../../tensor/plain.js';
import { expectGradients, type Inputs } from '../numeric.js';
import { relativeError } from '../reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [HEADS, D] = [2, 3];
/** One slice of 4 patches and, of another video, one more; then two slices of 6. */
const runs = sliceRuns([
  [1, 2, 2],
  [1, 2, 2],
  [2, 2, 3],
]);
const SLICES = [4, 4, 6, 6];
const N = 20;

/** The slice of each patch. */
const sliceOf = SLICES.flatMap((patches, slice) => Array<number>(patches).fill(slice));

const f = ({ q, k, v }: Inputs): Float64Array =>
  build([N, HEADS * D], ([i, column]) => {
    const head = Math.floor(column! / D) * D;
    const keys = [...sliceOf.keys()].filter((j) => sliceOf[j] === sliceOf[i!]);
    const weights = keys.map((j) => {
      let score = 0;
      for (let d = 0; d < D; d++) score += at(q!, [i!, head + d]) * at(k!, [j, head + d]);
      return Math.exp(score);
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return keys.reduce((sum, j, n) => sum + (weights[n]! / total) * at(v!, [j, column!]), 0);
  }).data;

it('attends within each slice, and goes back', () => {
  const inputs = {
    q: map(random([N, HEADS * D], 1), (x) => Math.fround(2 * x)),
    k: random([N, HEADS * D], 2),
    v: random([N, HEADS * D], 3),
  };
  const dy = random([N, HEADS * D], 4);
  scope(() => {
    const arrays = { q: toDevice(inputs.q), k: toDevice(inputs.k), v: toDevice(inputs.v) };
    const settings = { runs, heads: HEADS, type: 'float32' } as const;
    const y = sliceAttention({ ...arrays, ...settings });
    expect(relativeError(downloadFloats(y), f(inputs))).toBeLessThan(1e-6);
    const [q, k, v] = splitThree(sliceAttentionBackward({ ...arrays, ...settings, y, dy: toDevice(dy) }));
    const found = { q: downloadFloats(q), k: downloadFloats(k), v: downloadFloats(v) };
    expectGradients({ f, inputs, dy, found });
  });
  expect(activeBackend().liveTensors()).toBe(0);
});
