import { fused } from '../tensor/fused.js';
import type { Tensor } from '../tensor/tensor.js';
import { biasOf, linear, linearBackward, linears } from './linear.js';
import type { Parameters } from './parameters.js';

/** The gated MLP of a layer: down(silu(gate(x)) · up(x)) (Shazeer 2020). The bias of `down_proj` is left to what comes next. */
interface GatedMlp {
  parameters: Parameters;
  /** Name of the block, such as `model.layers.0.mlp`. */
  layer: string;
  /** `[N, hidden]` in the compute type */
  x: Tensor;
}

/** Products without their biases. */
export interface GatedMlpSaved {
  gate: Tensor;
  up: Tensor;
}

/** @returns y `[N, hidden]` in the compute type */
export function gatedMlp({ parameters, layer, x }: GatedMlp): { y: Tensor; saved: GatedMlpSaved } {
  const [gate, up] = linears({ parameters, layers: [`${layer}.gate_proj`, `${layer}.up_proj`], x });
  const saved = { gate: gate!, up: up! };
  const product = fused().swiglu({ ...saved, ...biases({ parameters, layer }) });
  return { y: linear({ parameters, layer: `${layer}.down_proj`, x: product }), saved };
}

/** @returns the gradient of x in two parts that add up */
export function gatedMlpBackward(args: GatedMlp & { saved: GatedMlpSaved; dy: Tensor }): [Tensor, Tensor] {
  const { parameters, layer, x, saved, dy } = args;
  const { swiglu, swigluGradient } = fused();
  const back = (part: string, input: Tensor, d: Tensor) =>
    linearBackward({ parameters, layer: `${layer}.${part}`, x: input, dy: d });
  const inner = { ...saved, ...biases(args) };
  const product = swiglu(inner);
  const { dGate, dUp } = swigluGradient({ ...inner, d: back('down_proj', product, dy) });
  return [back('gate_proj', x, dGate), back('up_proj', x, dUp)];
}

const biases = ({ parameters, layer }: Pick<GatedMlp, 'parameters' | 'layer'>) => ({
  gateBias: biasOf(parameters, `${layer}.gate_proj`),
  upBias: biasOf(parameters, `${layer}.up_proj`),
});
