import { fused } from '../../tensor/fused.js';
import type { Tensor } from '../../tensor/tensor.js';
import { biasOf, linear, linearBackward } from '../linear.js';
import type { Parameters } from '../parameters.js';

interface MlpInput {
  parameters: Parameters;
  /** Name of the MLP, such as `visual.blocks.0.mlp`. */
  layer: string;
  /** `[patches, E]` in the compute type */
  x: Tensor;
}

/** The MLP of a vision block: one way to go from patch to patch. */
export interface VisionMlp<Saved> {
  /** @returns y without the bias of the layer `last`, `[patches, E]` in the compute type */
  forward(args: MlpInput): { y: Tensor; last: string; saved: Saved };
  /** Adds the gradients of its weights. @param dy in the compute type @returns the gradient of x */
  backward(args: MlpInput & { saved: Saved; dy: Tensor }): Tensor;
}

/** fc2(quickGELU(fc1(x))). It keeps what `fc1` gave, without its bias. */
export const quickGeluMlp: VisionMlp<Tensor> = {
  forward: ({ parameters, layer, x }) => {
    const inner = linear({ parameters, layer: `${layer}.fc1`, x });
    const bias = biasOf(parameters, `${layer}.fc1`)!;
    const last = `${layer}.fc2`;
    const y = linear({ parameters, layer: last, x: fused().quickGelu(inner, bias) });
    return { y, last, saved: inner };
  },
  backward: ({ parameters, layer, x, saved: inner, dy }) => {
    const { quickGelu, quickGeluGradient } = fused();
    const back = (name: string, input: Tensor, d: Tensor) =>
      linearBackward({ parameters, layer: `${layer}.${name}`, x: input, dy: d });
    const bias = biasOf(parameters, `${layer}.fc1`)!;
    const dGelu = back('fc2', quickGelu(inner, bias), dy);
    return back('fc1', x, quickGeluGradient({ x: inner, bias, d: dGelu }).dx);
  },
};
