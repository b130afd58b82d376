import { beforeAll, describe, expect, it } from 'vitest';
import { norm, normBackward } from '../../src/policy/norm.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { at, build, map, random, toDevice } from '../tensor/plain.js';
import { expectGradients, gradientsOf, type Inputs, parametersOf } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [N, WIDTH] = [5, 7];
const EPSILON = 0.05;

/** The norm of x + delta (+ the bias of the layer that delta comes from). */
function plainNorm(inputs: Inputs): Float64Array {
  const { x, delta, 'before.bias': before, 'norm.weight': weight, 'norm.bias': bias } = inputs;
  const sum = build([N, WIDTH], (index) => {
    const added = delta === undefined ? 0 : at(delta, index) + (before === undefined ? 0 : at(before, [index[1]!]));
    return at(x!, index) + added;
  });
  const rowOf = (i: number) => Array.from({ length: WIDTH }, (_, j) => at(sum, [i, j]));
  return build([N, WIDTH], ([i, j]) => {
    const row = rowOf(i!);
    const mean = bias === undefined ? 0 : row.reduce((total, value) => total + value, 0) / WIDTH;
    const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / WIDTH;
    const normalized = (row[j!]! - mean) / Math.sqrt(variance + EPSILON);
    return normalized * at(weight!, [j!]) + (bias === undefined ? 0 : at(bias, [j!]));
  }).data;
}

describe.each([
  { name: 'RMS norm', isCentred: false },
  { name: 'layer norm', isCentred: true },
])('$name', ({ isCentred }) => {
  it.each(['alone', 'after an addition'])('%s: has the values and gradients of its formula', (kind) => {
    // Rows far from zero, so that a centre that is left in shows.
    const inputs: Inputs = {
      x: map(random([N, WIDTH], 1), (x) => Math.fround(x + 1)),
      'norm.weight': random([WIDTH], 2),
    };
    if (isCentred) inputs['norm.bias'] = random([WIDTH], 3);
    if (kind !== 'alone') Object.assign(inputs, { delta: random([N, WIDTH], 5), 'before.bias': random([WIDTH], 6) });
    const { x, delta, ...weights } = inputs;
    const [dy1, dy2] = [random([N, WIDTH], 4), random([N, WIDTH], 7)];
    const dy = build([N, WIDTH], (index) => at(dy1, index) + at(dy2, index));
    const residual = random([N, WIDTH], 8);
    const { 'before.bias': _, ...own } = weights;
    const parameters = parametersOf(weights, Object.keys(own));
    scope(() => {
      const added = delta && { delta: toDevice(delta), deltaLayer: 'before' };
      const { y, saved } = norm({ parameters, layer: 'norm', x: toDevice(x!), ...added, epsilon: EPSILON });
      expect(relativeError(downloadFloats(y), plainNorm(inputs))).toBeLessThan(1e-6);
      const dys = [toDevice(dy1), toDevice(dy2)];
      const back = { parameters, layer: 'norm', saved, dys };
      const found = { x: downloadFloats(normBackward(back).dx), ...gradientsOf(parameters) };
      expect(Object.keys(found).sort()).toEqual(['x', ...Object.keys(own)].sort());
      expectGradients({ f: plainNorm, inputs, dy, found });
      const past = downloadFloats(normBackward({ ...back, residual: toDevice(residual) }).dx);
      const both = found.x.map((value, i) => value + residual.data[i]!);
      expect(relativeError(past, both)).toBeLessThan(1e-6);
    });
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('keeps no gradient of frozen weights', () => {
    const weights = { 'norm.weight': random([WIDTH], 2), ...(isCentred && { 'norm.bias': random([WIDTH], 3) }) };
    const parameters = parametersOf(weights, []);
    scope(() => {
      const x = toDevice(random([N, WIDTH], 1));
      const { saved } = norm({ parameters, layer: 'norm', x, epsilon: EPSILON });
      normBackward({ parameters, layer: 'norm', saved, dys: [x] });
    });
    expect(parameters.gradients.size).toBe(0);
    parameters.dispose();
  });
});
