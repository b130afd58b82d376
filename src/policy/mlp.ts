import { add, cast, mul, scale, shift, sigmoid } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import { linear, linearBackward } from './linear.js';
import type { Parameters } from './parameters.js';

/** The gated MLP of the decoder: down(silu(gate(x)) · up(x)) (Shazeer 2020). */
interface GatedMlp {
  parameters: Parameters;
  /** Name of the block, such as `model.layers.0.mlp`. */
  layer: string;
  /** `[N, hidden]` in the compute type */
  x: Tensor;
}

export interface GatedMlpSaved {
  gate: Tensor;
  up: Tensor;
}

export function gatedMlp({ parameters, layer, x }: GatedMlp): { y: Tensor; saved: GatedMlpSaved } {
  const gate = linear({ parameters, layer: `${layer}.gate_proj`, x });
  const up = linear({ parameters, layer: `${layer}.up_proj`, x });
  const activation = mul(mul(gate, sigmoid(gate)), up);
  return { y: linear({ parameters, layer: `${layer}.down_proj`, x: activation }), saved: { gate, up } };
}

export function gatedMlpBackward(args: GatedMlp & { saved: GatedMlpSaved; dy: Tensor }): Tensor {
  const { parameters, layer, x, dy } = args;
  const { gate, up } = args.saved;
  const s = sigmoid(gate);
  const silu = mul(gate, s);
  const dActivation = linearBackward({ parameters, layer: `${layer}.down_proj`, x: mul(silu, up), dy });
  // silu′(g) = σ(g) + silu(g) · (1 − σ(g))
  const dSilu = add(s, mul(silu, shift(scale(s, -1), 1)));
  const dGate = mul(mul(dActivation, up), dSilu);
  const dUp = mul(dActivation, silu);
  const shared = cast(x, parameters.type);
  return add(
    linearBackward({ parameters, layer: `${layer}.gate_proj`, x: shared, dy: dGate }),
    linearBackward({ parameters, layer: `${layer}.up_proj`, x: shared, dy: dUp }),
  );
}
