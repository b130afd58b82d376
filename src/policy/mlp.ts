import { fused } from '../tensor/fused.js';
import type { Tensor } from '../tensor/tensor.js';
import { linear, linearBackward, linears } from './linear.js';
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

/** @returns y `[N, hidden]` in the compute type */
export function gatedMlp({ parameters, layer, x }: GatedMlp): { y: Tensor; saved: GatedMlpSaved } {
  const [gate, up] = linears({ parameters, layers: [`${layer}.gate_proj`, `${layer}.up_proj`], x });
  const product = fused().swiglu(gate!, up!);
  return { y: linear({ parameters, layer: `${layer}.down_proj`, x: product }), saved: { gate: gate!, up: up! } };
}

/** @returns the gradient of x in two parts that add up */
export function gatedMlpBackward(args: GatedMlp & { saved: GatedMlpSaved; dy: Tensor }): [Tensor, Tensor] {
  const { parameters, layer, x, saved, dy } = args;
  const { swiglu, swigluGradient } = fused();
  const back = (part: string, input: Tensor, d: Tensor) =>
    linearBackward({ parameters, layer: `${layer}.${part}`, x: input, dy: d });
  const product = swiglu(saved.gate, saved.up);
  const { dGate, dUp } = swigluGradient({ ...saved, d: back('down_proj', product, dy) });
  return [back('gate_proj', x, dGate), back('up_proj', x, dUp)];
}
