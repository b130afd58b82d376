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

/**
 * Adds the gradients of the layer's trainable weights and returns that of its input.
 *
 * @param dy `[N, out]` float32
 * @returns `[N, in]` float32
 */
export function linearBackward(args: { parameters: Parameters; layer: string; x: Tensor; dy: Tensor }): Tensor {
  const { parameters, layer } = args;
  const { type } = parameters;
  const dy = cast(args.dy, type);
  const adapter = parameters.adapter(layer);
  linearWeightBackward(args);
  const dx = product(type, dy, parameters.get(`${layer}.weight`));
  if (adapter === undefined) return dx;

  const names = adapterNames(layer);
  const dLow = cast(scale(product(type, dy, adapter.b), adapter.scale), type);
  if (parameters.isTrainable(names.a)) {
    const x = cast(args.x, type);
    const low = matmul(x, cast(adapter.a, type), { transposeB: true });
    parameters.accumulate(names.a, product(type, dLow, x, { transposeA: true }));
    parameters.accumulate(names.b, scale(product(type, dy, low, { transposeA: true }), adapter.scale));
  }
  return add(dx, product(type, dLow, adapter.a));
}

/** The gradients of W and b alone, for a layer whose input needs none. */
export function linearWeightBackward({
  parameters,
  layer,
  x,
  dy,
}: {
  parameters: Parameters;
  layer: string;
  x: Tensor;
  dy: Tensor;
}): void {
  if (parameters.isTrainable(`${layer}.weight`))
    parameters.accumulate(`${layer}.weight`, product(parameters.type, dy, x, { transposeA: true }));
  if (parameters.isTrainable(`${layer}.bias`)) parameters.accumulate(`${layer}.bias`, sumFirst(dy));
}
