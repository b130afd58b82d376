import { expect } from 'vitest';
import { Parameters } from '../../src/policy/parameters.js';
import { uniform } from '../../src/system/random.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { scope } from '../../src/tensor/tensor.js';
import { type Plain, toDevice } from '../tensor/plain.js';
import { relativeError } from './reference-models.js';

/** Inputs and weights of a function, by name. */
export type Inputs = Record<string, Plain>;

const STEP = 1e-5;

/** ∂ Σ dy · f(inputs) / ∂ inputs[name] by central differences, element by element, in double precision. */
export function numericGradient(args: {
  f: (inputs: Inputs) => ArrayLike<number>;
  inputs: Inputs;
  name: string;
  dy: Plain;
}): Float64Array {
  const { f, inputs, name, dy } = args;
  const { shape, data } = inputs[name]!;
  return data.map((value, i) => {
    const moved = (h: number) => projection(f({ ...inputs, [name]: { shape, data: data.with(i, value + h) } }), dy);
    return (moved(STEP) - moved(-STEP)) / (2 * STEP);
  });
}

/** The same along one direction of `inputs[name]`: what the gradient's product with `direction` must be. */
export function numericSlope(args: {
  f: (inputs: Inputs) => ArrayLike<number>;
  inputs: Inputs;
  name: string;
  dy: Plain;
  direction: Float64Array;
}): number {
  const { f, inputs, name, dy, direction } = args;
  const { shape, data } = inputs[name]!;
  const moved = (h: number) =>
    projection(f({ ...inputs, [name]: { shape, data: data.map((value, i) => value + h * direction[i]!) } }), dy);
  return (moved(STEP) - moved(-STEP)) / (2 * STEP);
}

const projection = (y: ArrayLike<number>, dy: Plain): number => dy.data.reduce((sum, d, i) => sum + d * y[i]!, 0);

/** A random direction that is zero outside of the elements `of` says yes to. */
export const direction = ({ data }: Plain, seed: number, of: (i: number) => boolean): Float64Array =>
  data.map((_, i) => (of(i) ? 2 * uniform(seed, i) - 1 : 0));

/** Compares the gradients that a backward gave with central differences of the plain function. */
export function expectGradients(args: {
  f: (inputs: Inputs) => ArrayLike<number>;
  inputs: Inputs;
  dy: Plain;
  found: Record<string, ArrayLike<number>>;
}): void {
  const { f, inputs, dy, found } = args;
  for (const [name, gradient] of Object.entries(found)) {
    const wanted = numericGradient({ f, inputs, name, dy });
    expect(gradient.length, name).toBe(wanted.length);
    expect(relativeError(gradient, wanted), `gradient of ${name}`).toBeLessThan(1e-5);
  }
}

/** Weights on the device in float32, those in `trained` under training. */
export function parametersOf(weights: Inputs, trained: string[] = Object.keys(weights)): Parameters {
  const parameters = new Parameters({ type: 'float32' });
  scope(() => {
    for (const [name, value] of Object.entries(weights)) {
      if (trained.includes(name)) parameters.addTrainable(name, toDevice(value));
      else parameters.addFrozen(name, toDevice(value));
    }
  });
  return parameters;
}

/** The gradients that a backward has added up, by weight. */
export const gradientsOf = (parameters: Parameters): Record<string, Float32Array> =>
  Object.fromEntries([...parameters.gradients].map(([name, gradient]) => [name, downloadFloats(gradient)]));
