import { add, cast, matmul, scale, sumFirst } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import { adapterNames, type Parameters } from './parameters.js';
import { product } from './product.js';

/**
 * y = x Wᵀ (+ b) (+ s · (x Aᵀ) Bᵀ), with W as Hugging Face stores it.
 *
 * @param layer name without `.weight`, such as `model.layers.0.mlp.up_proj`
 * @param x `[N, in]`; in the compute type where several layers share it, so that it is cast once
 * @returns `[N, out]` float32
 */
export function linear({ parameters, layer, x }: { parameters: Parameters; layer: string; x: Tensor }): Tensor {
  const { type } = parameters;
  let y = product(type, x, parameters.get(`${layer}.weight`), { transposeB: true });
  if (parameters.has(`${layer}.bias`)) y = add(y, parameters.get(`${layer}.bias`));
  const adapter = parameters.adapter(layer);
  if (adapter === undefined) return y;
  const low = product(type, x, adapter.a, { transposeB: true });
  return add(y, scale(product(type, low, adapter.b, { transposeB: true }), adapter.scale));
}

/** A layer's input and the gradient of its output. */
interface LinearGradient {
  parameters: Parameters;
  layer: string;
  /** `[N, in]` */
  x: Tensor;
  /** `[N, out]` float32 */
  dy: Tensor;
}

/**
 * Adds the gradients of the layer's trainable weights and returns that of its input.
 *
 * @returns `[N, in]` float32
 */
export function linearBackward({ parameters, layer, x, dy }: LinearGradient): Tensor {
  const { type } = parameters;
  const dyCast = cast(dy, type);
  baseGradients({ parameters, layer, x, dy, dyCast });
  const dx = product(type, dyCast, parameters.get(`${layer}.weight`));
  const adapter = parameters.adapter(layer);
  if (adapter === undefined) return dx;

  const names = adapterNames(layer);
  const dLow = cast(scale(product(type, dyCast, adapter.b), adapter.scale), type);
  if (parameters.isTrainable(names.a)) {
    const xCast = cast(x, type);
    const low = matmul(xCast, cast(adapter.a, type), { transposeB: true });
    parameters.accumulate(names.a, product(type, dLow, xCast, { transposeA: true }));
    parameters.accumulate(names.b, scale(product(type, dyCast, low, { transposeA: true }), adapter.scale));
  }
  return add(dx, product(type, dLow, adapter.a));
}

/** The gradients of W and b alone, for a layer whose input needs none. */
export const linearWeightBackward = (args: LinearGradient): void =>
  baseGradients({ ...args, dyCast: cast(args.dy, args.parameters.type) });

/** dW = dyᵀ x, db = Σ dy; `dyCast` is dy in the compute type. */
function baseGradients({ parameters, layer, x, dy, dyCast }: LinearGradient & { dyCast: Tensor }): void {
  const [weight, bias] = [`${layer}.weight`, `${layer}.bias`];
  if (parameters.isTrainable(weight))
    parameters.accumulate(weight, product(parameters.type, dyCast, x, { transposeA: true }));
  if (parameters.isTrainable(bias)) parameters.accumulate(bias, sumFirst(dy));
}
