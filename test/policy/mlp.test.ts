import { beforeAll, expect, it } from 'vitest';
import { gatedMlp, gatedMlpBackward } from '../../src/policy/mlp.js';
import { activeBackend } from '../../src/tensor/active.js';
import { add, downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { at, build, map, matmul, type Plain, random, toDevice } from '../tensor/plain.js';
import { expectGradients, gradientsOf, type Inputs, parametersOf } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

/** x Wᵀ */
const times = (x: Plain, w: Plain): Plain => matmul(x, w, false, true);

const f = (inputs: Inputs): Float64Array => {
  const gate = times(inputs.x!, inputs['mlp.gate_proj.weight']!);
  const up = times(inputs.x!, inputs['mlp.up_proj.weight']!);
  const silu = map(gate, (g) => g / (1 + Math.exp(-g)));
  const product = build(up.shape, (index) => at(silu, index) * at(up, index));
  return times(product, inputs['mlp.down_proj.weight']!).data;
};

it('gatedMlp has the values and gradients of down(silu(gate) · up)', () => {
  const weights = {
    'mlp.gate_proj.weight': map(random([7, 4], 1), (x) => Math.fround(3 * x)),
    'mlp.up_proj.weight': random([7, 4], 2),
    'mlp.down_proj.weight': random([4, 7], 3),
  };
  const inputs = { x: random([5, 4], 4), ...weights };
  const dy = random([5, 4], 5);
  const parameters = parametersOf(weights);
  scope(() => {
    const x = toDevice(inputs.x);
    const { y, saved } = gatedMlp({ parameters, layer: 'mlp', x });
    expect(relativeError(downloadFloats(y), f(inputs))).toBeLessThan(1e-6);
    const [a, b] = gatedMlpBackward({ parameters, layer: 'mlp', x, saved, dy: toDevice(dy) });
    expectGradients({ f, inputs, dy, found: { x: downloadFloats(add(a, b)), ...gradientsOf(parameters) } });
  });
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});
