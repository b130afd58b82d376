import { fused } from '../tensor/fused.js';
import type { Normed } from '../tensor/kernels.js';
import type { Tensor } from '../tensor/tensor.js';
import { biasOf } from './linear.js';
import type { Parameters } from './parameters.js';

/** What a norm keeps for its backward. */
export type NormSaved = Pick<Normed, 'sum' | 'stats'>;

interface NormInput {
  parameters: Parameters;
  /** Name without `.weight`; a layer norm is one that has a bias. */
  layer: string;
  /** `[N, d]` float32 */
  x: Tensor;
  /** What is added to x first: a product `[N, d]` in the compute type, and the name of the layer whose bias it lacks. */
  delta?: Tensor;
  deltaLayer?: string;
  epsilon: number;
  /** Nothing has to be kept for the backward. */
  isForwardOnly?: boolean;
}

/**
 * The norm of x (+ delta). @returns y `[N, d]` in the compute type; `sum` is what was normalised, float32.
 */
export function norm({ parameters, layer, x, delta, deltaLayer, epsilon, isForwardOnly }: NormInput): {
  y: Tensor;
  saved: NormSaved;
} {
  const { y, sum, stats } = fused().norm({
    x,
    delta,
    bias: deltaLayer === undefined ? undefined : biasOf(parameters, deltaLayer),
    weight: parameters.get(`${layer}.weight`),
    shift: biasOf(parameters, layer),
    epsilon,
    type: parameters.type,
    isForwardOnly,
  });
  return { y, saved: { sum, stats } };
}

/**
 * Adds the gradients of the norm's weights. @param dys the gradient of y in parts that add up, in the compute type
 *
 * @returns the gradient of `sum` plus `residual`, as float32 and in the compute type
 */
export function normBackward(args: {
  parameters: Parameters;
  layer: string;
  saved: NormSaved;
  dys: readonly Tensor[];
  residual?: Tensor;
}): { dx: Tensor; dxCast: Tensor } {
  const { parameters, layer, saved, dys, residual } = args;
  const [weight, bias] = [`${layer}.weight`, `${layer}.bias`];
  const wantsWeight = parameters.isTrainable(weight);
  const { dx, dxCast, dWeight, dShift } = fused().normGradient({
    ...saved,
    dys,
    weight: parameters.get(weight),
    centered: parameters.has(bias),
    residual,
    wantsWeight,
  });
  if (dWeight !== undefined) parameters.accumulate(weight, dWeight);
  if (dShift !== undefined) parameters.accumulate(bias, dShift);
  return { dx, dxCast };
}
