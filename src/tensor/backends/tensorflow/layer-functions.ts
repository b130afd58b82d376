import type { NormedLinear, StackedKernels, StackedLayerArgs, StackedWeights } from '../../stacked-layer.js';
import { type Tensor, track } from '../../tensor.js';
import type { Executor } from './executor.js';
import { splitAt } from './few-launches.js';
import { type FunctionPlace, Functions } from './functions.js';

/** The same kernels, whose layer TensorFlow runs as a function: a call for it all, which for a GPU is what takes the time. */
export function layerFunctions(args: {
  kernels: StackedKernels;
  executor: Executor;
  place: FunctionPlace;
}): StackedKernels {
  const { kernels, executor, place } = args;
  const functions = new Functions({ executor, place });
  const layer = (args: StackedLayerArgs): { y: Tensor; own: Tensor } => {
    const { x, weights, rotary, prompt, mask, own, ...numbers } = args;
    // Of lengths that grow, and are written nowhere in the function.
    const varying = { ...prompt, mask, own, parts: executor.vector(splitAt(prompt.v.shape[1]!)) };
    const [fixed, free] = [present({ x, rotary, ...tensorsOf(weights) }), present(varying)];
    const shapes = fixed.map(([name, { dtype, shape }]) => [name, dtype, ...shape]);
    const key = JSON.stringify([numbers, shapes, free.map(([name]) => name)]);
    const inputs = [...fixed, ...free].map(([, tensor]) => tensor);
    const [y, grown] = functions.call(key, inputs, () => {
      const made = kernels.layer(args);
      return [made.y, made.own];
    });
    return { y: track(y!), own: track(grown!) };
  };
  return { ...kernels, layer };
}

const tensorsOf = ({ qkv, o, gateUp, down, ...rest }: StackedWeights): Record<string, Tensor | undefined> => ({
  ...rest,
  ...Object.fromEntries(
    Object.entries({ qkv, o, gateUp, down }).flatMap(([name, { weight, low, norm }]: [string, NormedLinear]) => [
      [name, weight],
      [`${name} a`, low?.a],
      [`${name} b`, low?.b],
      [`${name} norm`, norm],
    ]),
  ),
});

const present = (tensors: Record<string, Tensor | undefined>): [string, Tensor][] =>
  Object.entries(tensors).flatMap(([name, tensor]): [string, Tensor][] =>
    tensor === undefined ? [] : [[name, tensor]],
  );
