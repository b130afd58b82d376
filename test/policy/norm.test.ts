import { beforeAll, describe, expect, it } from 'vitest';
import { layerNorm, layerNormBackward, rmsNorm, rmsNormBackward } from '../../src/policy/norm.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { activeBackend, startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { at, build, map, random, toDevice } from '../tensor/plain.js';
import { expectGradients, gradientsOf, type Inputs, parametersOf } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [N, WIDTH] = [5, 7];
const EPSILON = 0.05;

function plainNorm({ x, 'norm.weight': weight, 'norm.bias': bias }: Inputs, isCentred: boolean): Float64Array {
  const rowOf = (i: number) => Array.from({ length: WIDTH }, (_, j) => at(x!, [i, j]));
  return build([N, WIDTH], ([i, j]) => {
    const row = rowOf(i!);
    const mean = isCentred ? row.reduce((sum, value) => sum + value, 0) / WIDTH : 0;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / WIDTH;
    const normalized = (row[j!]! - mean) / Math.sqrt(variance + EPSILON);
    return normalized * at(weight!, [j!]) + (bias === undefined ? 0 : at(bias, [j!]));
  }).data;
}

describe.each([
  { name: 'rmsNorm', forward: rmsNorm, backward: rmsNormBackward, isCentred: false },
  { name: 'layerNorm', forward: layerNorm, backward: layerNormBackward, isCentred: true },
])('$name', ({ forward, backward, isCentred }) => {
  it('has the values and gradients of its formula', () => {
    // Rows far from zero, so that a centre that is left in shows.
    const inputs: Inputs = {
      x: map(random([N, WIDTH], 1), (x) => Math.fround(x + 1)),
      'norm.weight': random([WIDTH], 2),
    };
    if (isCentred) inputs['norm.bias'] = random([WIDTH], 3);
    const { x, ...weights } = inputs;
    const dy = random([N, WIDTH], 4);
    const parameters = parametersOf(weights);
    const f = (changed: Inputs) => plainNorm(changed, isCentred);
    scope(() => {
      const { y, saved } = forward({ parameters, layer: 'norm', x: toDevice(x!), epsilon: EPSILON });
      expect(relativeError(downloadFloats(y), f(inputs))).toBeLessThan(1e-6);
      const dx = backward({ parameters, layer: 'norm', saved, dy: toDevice(dy) });
      const found = { x: downloadFloats(dx), ...gradientsOf(parameters) };
      expect(Object.keys(found).sort()).toEqual(Object.keys(inputs).sort());
      expectGradients({ f, inputs, dy, found });
    });
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('keeps no gradient of frozen weights', () => {
    const weights = { 'norm.weight': random([WIDTH], 2), 'norm.bias': random([WIDTH], 3) };
    const parameters = parametersOf(weights, []);
    scope(() => {
      const x = toDevice(random([N, WIDTH], 1));
      const { saved } = forward({ parameters, layer: 'norm', x, epsilon: EPSILON });
      backward({ parameters, layer: 'norm', saved, dy: x });
    });
    expect(parameters.gradients.size).toBe(0);
    parameters.dispose();
  });
});
