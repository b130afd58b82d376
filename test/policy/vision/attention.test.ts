import { beforeAll, expect, it } from 'vitest';
import { splitWindows, windowAttention, windowAttentionBackward } from '../../../src/policy/vision/attention.js';
import { sliceWindows } from '../../../src/policy/vision/windows.js';
import { activeBackend } from '../../../src/tensor/active.js';
import { downloadFloats, sumFirst } from '../../../src/tensor/ops.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { scope } from '../../../src/tensor/tensor.js';
import { at, build, map, random, toDevice } from '../../tensor/plain.js';
import { expectGradients, type Inputs } from '../numeric.js';
import { relativeError } from '../reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [HEADS, D] = [2, 4];
const E = HEADS * D;
/** One slice of 4 patches and, of another video, one more; then two slices of 6. */
const windows = sliceWindows([
  [1, 2, 2],
  [1, 2, 2],
  [2, 2, 3],
]);
const SLICES = [4, 4, 6, 6];
const N = 20;

/** The slice of each patch. */
const sliceOf = SLICES.flatMap((patches, slice) => Array<number>(patches).fill(slice));

/** Patch i's rotation turns pair (d, d + D / 2) by i · (d + 1) / 10. */
const angle = (i: number, d: number) => (i * ((d % (D / 2)) + 1)) / 10;
const table = (value: (i: number, d: number) => number) => build([N, D], ([i, d]) => value(i!, d!));
const rotary = {
  cos: table((i, d) => Math.fround(Math.cos(angle(i, d)))),
  sin: table((i, d) => Math.fround((d < D / 2 ? -1 : 1) * Math.sin(angle(i, d)))),
};

/** Attention of `qkv` + `bias`, queries and keys turned. */
const f = ({ qkv, bias }: Inputs): Float64Array => {
  const plain = (i: number, column: number) => at(qkv!, [i, column]) + at(bias!, [column]);
  const turned = (i: number, head: number, d: number) => {
    const other = plain(i, head + ((d + D / 2) % D));
    return plain(i, head + d) * at(rotary.cos, [i, d]) + other * at(rotary.sin, [i, d]);
  };
  return build([N, E], ([i, column]) => {
    const head = Math.floor(column! / D) * D;
    const keys = [...sliceOf.keys()].filter((j) => sliceOf[j] === sliceOf[i!]);
    const weights = keys.map((j) => {
      let score = 0;
      for (let d = 0; d < D; d++) score += turned(i!, head, d) * turned(j, E + head, d);
      return Math.exp(score / Math.sqrt(D));
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return keys.reduce((sum, j, n) => sum + (weights[n]! / total) * plain(j, 2 * E + column!), 0);
  }).data;
};

it('attends within each slice, and goes back', () => {
  const inputs = { qkv: map(random([N, 3 * E], 1), (x) => Math.fround(2 * x)), bias: random([3 * E], 2) };
  const dy = random([N, E], 3);
  scope(() => {
    const settings = { ...windows, heads: HEADS, rotary: { cos: toDevice(rotary.cos), sin: toDevice(rotary.sin) } };
    const split = splitWindows({ ...settings, qkv: toDevice(inputs.qkv), bias: toDevice(inputs.bias) });
    expect(relativeError(downloadFloats(windowAttention({ ...settings, split })), f(inputs))).toBeLessThan(1e-6);
    const dQkv = windowAttentionBackward({ ...settings, split, dy: toDevice(dy) });
    const found = { qkv: downloadFloats(dQkv), bias: downloadFloats(sumFirst(dQkv)) };
    expectGradients({ f, inputs, dy, found });
  });
  expect(activeBackend().liveTensors()).toBe(0);
});
