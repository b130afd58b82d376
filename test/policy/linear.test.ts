import { beforeAll, expect, it } from 'vitest';
import { biasOf, linear, linearBackward, linearWeightBackward } from '../../src/policy/linear.js';
import type { Parameters } from '../../src/policy/parameters.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope, type Tensor } from '../../src/tensor/tensor.js';
import { at, build, matmul, type Plain, random, toDevice } from '../tensor/plain.js';
import { expectGradients, gradientsOf, type Inputs, parametersOf } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [N, IN, OUT, RANK] = [5, 7, 3, 2];
const SCALE = 1.5;
const A = 'layer.lora_A.weight';
const B = 'layer.lora_B.weight';

/** x Wᵀ */
const times = (x: Plain, w: Plain): Plain => matmul(x, w, false, true);

const f = (inputs: Inputs): Float64Array => {
  const plainPart = times(inputs.x!, inputs['layer.weight']!);
  const adapter = inputs[A] && times(times(inputs.x!, inputs[A]), inputs[B]!);
  return build([N, OUT], (index) => {
    const bias = inputs['layer.bias'] ? at(inputs['layer.bias'], [index[1]!]) : 0;
    return at(plainPart, index) + bias + (adapter ? SCALE * at(adapter, index) : 0);
  }).data;
};

const x = random([N, IN], 1);
const dy = random([N, OUT], 2);
const base = { 'layer.weight': random([OUT, IN], 3), 'layer.bias': random([OUT], 4) };
const factors = { [A]: random([RANK, IN], 5), [B]: random([OUT, RANK], 6) };

/** As what comes after a linear layer adds its bias. */
const withBias = (parameters: Parameters, input: Tensor): Tensor =>
  activeBackend().kernels.add({
    delta: linear({ parameters, layer: 'layer', x: input }),
    bias: biasOf(parameters, 'layer'),
  });

it.each([
  { title: 'full', weights: base, trained: ['layer.weight', 'layer.bias'] },
  { title: 'without a bias', weights: { 'layer.weight': base['layer.weight'] }, trained: ['layer.weight'] },
  { title: 'with an adapter on frozen weights', weights: { ...base, ...factors }, trained: [A, B] },
  {
    title: 'with an adapter, everything trained',
    weights: { ...base, ...factors },
    trained: ['layer.weight', 'layer.bias', A, B],
  },
  { title: 'frozen', weights: { ...base, ...factors }, trained: [] },
])('$title: values and gradients', ({ weights, trained }) => {
  const parameters = parametersOf(weights, trained);
  if (A in weights) parameters.useAdapter('layer', SCALE);
  const inputs: Inputs = { x, ...weights };
  scope(() => {
    const input = toDevice(x);
    expect(relativeError(downloadFloats(withBias(parameters, input)), f(inputs))).toBeLessThan(1e-6);
    const dx = linearBackward({ parameters, layer: 'layer', x: input, dy: toDevice(dy) });
    const gradients = gradientsOf(parameters);
    expect(Object.keys(gradients).sort()).toEqual([...trained].sort());
    expectGradients({ f, inputs, dy, found: { x: downloadFloats(dx), ...gradients } });
  });
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});

it('an adapter that is switched off changes nothing', () => {
  const parameters = parametersOf({ ...base, ...factors }, [A, B]);
  parameters.useAdapter('layer', SCALE);
  const reference = parameters.withoutAdapters();
  scope(() => {
    const found = downloadFloats(withBias(reference, toDevice(x)));
    expect(relativeError(found, f({ x, ...base }))).toBeLessThan(1e-6);
    linearBackward({ parameters: reference, layer: 'layer', x: toDevice(x), dy: toDevice(dy) });
  });
  expect(parameters.gradients.size + reference.gradients.size).toBe(0);
  parameters.dispose();
});

it('gradients of several calls add up; the weights alone can be asked for', () => {
  const parameters = parametersOf(base);
  scope(() => {
    for (let call = 0; call < 3; call++)
      linearWeightBackward({ parameters, layer: 'layer', x: toDevice(x), dy: toDevice(dy) });
    const thirds = Object.entries(gradientsOf(parameters)).map(([name, sum]) => [name, sum.map((value) => value / 3)]);
    expectGradients({ f, inputs: { x, ...base }, dy, found: Object.fromEntries(thirds) });
  });
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});
