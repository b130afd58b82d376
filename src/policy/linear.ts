import { fused } from '../tensor/fused.js';
import { add, cast, matmul, products, scale } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import { adapterNames, type Parameters } from './parameters.js';

/**
 * x Wᵀ (+ s · (x Aᵀ) Bᵀ), with W as Hugging Face stores it. The bias is left to what comes next, which adds it in
 * float32 on its way.
 *
 * @param layer name without `.weight`, such as `model.layers.0.mlp.up_proj`
 * @param x `[N, in]` in the compute type
 * @returns `[N, out]` in the compute type
 */
export const linear = ({ layer, ...rest }: { parameters: Parameters; layer: string; x: Tensor }): Tensor =>
  linears({ ...rest, layers: [layer] })[0]!;

/** The same of several layers that share their input. */
export function linears({ parameters, layers, x }: { parameters: Parameters; layers: string[]; x: Tensor }): Tensor[] {
  const ys = products(
    x,
    layers.map((layer) => parameters.get(`${layer}.weight`)),
  );
  return ys.map((y, i) => {
    const adapter = parameters.adapter(layers[i]!);
    if (adapter === undefined) return y;
    const low = scale(matmul(x, adapter.a, { transposeB: true }), adapter.scale);
    return add(y, matmul(low, adapter.b, { transposeB: true }));
  });
}

/** The bias of a layer, float32, where it has one. */
export const biasOf = (parameters: Parameters, layer: string): Tensor | undefined =>
  parameters.has(`${layer}.bias`) ? parameters.get(`${layer}.bias`) : undefined;

/** A layer's input and the gradient of its output. */
interface LinearGradient {
  parameters: Parameters;
  layer: string;
  /** `[N, in]` in the compute type */
  x: Tensor;
  /** `[N, out]` in the compute type */
  dy: Tensor;
}

/**
 * Adds the gradients of the layer's trainable weights, the bias's with them, and returns that of its input.
 *
 * @returns `[N, in]` in the compute type
 */
export function linearBackward(args: LinearGradient): Tensor {
  const { parameters, layer, dy } = args;
  const dLow = weightGradients(args);
  const dx = matmul(dy, parameters.get(`${layer}.weight`));
  const adapter = parameters.adapter(layer);
  return adapter === undefined || dLow === null ? dx : add(dx, matmul(dLow, adapter.a));
}

/** The gradients of the weights alone, for a layer whose input needs none. */
export function linearWeightBackward(args: LinearGradient): void {
  weightGradients(args);
}

/**
 * dW = dyᵀ x, db = Σ dy, and those of the adapter's factors.
 *
 * @returns the gradient of x Aᵀ, where there is an adapter: `[N, r]`
 */
function weightGradients({ parameters, layer, x, dy }: LinearGradient): Tensor | null {
  const [weight, bias] = [`${layer}.weight`, `${layer}.bias`];
  if (parameters.isTrainable(weight)) parameters.accumulate(weight, matmul(dy, x, { transposeA: true }));
  if (parameters.isTrainable(bias)) parameters.accumulate(bias, fused().columnSum(dy));
  const adapter = parameters.adapter(layer);
  if (adapter === undefined) return null;
  const names = adapterNames(layer);
  const dLow = scale(matmul(dy, adapter.b), adapter.scale);
  if (parameters.isTrainable(names.a)) {
    const low = scale(matmul(x, adapter.a, { transposeB: true }), adapter.scale);
    parameters.accumulate(names.a, matmul(dLow, x, { transposeA: true }));
    parameters.accumulate(names.b, matmul(dy, low, { transposeA: true }));
  }
  return dLow;
}

/** `x` in the type that `parameters` multiplies in. */
export const inComputeType = (parameters: Parameters, x: Tensor): Tensor => cast(x, parameters.type);
