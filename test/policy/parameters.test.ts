import { beforeAll, expect, it } from 'vitest';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { random } from '../tensor/plain.js';
import { parametersOf } from './numeric.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const weights = { 'q.weight': random([16, 32], 1), 'k.weight': random([8, 32], 2), 'v.weight': random([8, 32], 3) };
const names = Object.keys(weights);

it('a stack of frozen weights is made once, holds their rows, and goes with them', () => {
  const parameters = parametersOf(weights, []);
  const before = activeBackend().liveTensors();
  const stack = parameters.frozenStack(names)!;
  expect(stack.shape).toEqual([32, 32]);
  const rows = names.flatMap((name) => [...downloadFloats(parameters.get(name))]);
  expect([...downloadFloats(stack)]).toEqual(rows);
  expect(rows).toEqual(Object.values(weights).flatMap(({ data }) => [...Float32Array.from(data)]));
  expect(parameters.frozenStack(names)).toBe(stack);
  expect(parameters.withoutAdapters().frozenStack(names)).toBe(stack);
  expect(activeBackend().liveTensors()).toBe(before + 1);
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});

it('a stack does not outlive one of its weights', () => {
  const parameters = parametersOf(weights, []);
  parameters.frozenStack(names);
  parameters.replaceFrozen('k.weight', () => upload(new Float32Array(8 * 32).fill(7), [8, 32]));
  const stack = downloadFloats(parameters.frozenStack(names)!);
  expect([...stack.subarray(16 * 32, 24 * 32)]).toEqual(Array(8 * 32).fill(7));
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});

it('what is trained stands in no stack', () => {
  const parameters = parametersOf(weights, ['v.weight']);
  expect(parameters.frozenStack(names)).toBeNull();
  expect(parameters.frozenStack(names.slice(0, 2))!.shape).toEqual([24, 32]);
  parameters.dispose();
});
