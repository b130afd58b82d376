import { fused } from '../../tensor/fused.js';
import type { GeluArgs } from '../../tensor/kernels.js';
import type { Tensor } from '../../tensor/tensor.js';
import { biasOf, linear, linearBackward } from '../linear.js';
import { type GatedMlpSaved, gatedMlp, gatedMlpBackward } from '../mlp.js';
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
  /** Adds the gradients of its weights. @param dy in the compute type @returns the gradient of x in parts that add up */
  backward(args: MlpInput & { saved: Saved; dy: Tensor }): Tensor[];
}

/**
 * second(GELU(first(x))). It keeps what the first layer gave, without its bias.
 *
 * @param first of the two layers' names, such as `fc1`
 */
export function geluMlp({
  form,
  first,
  second,
}: {
  form: GeluArgs['form'];
  first: string;
  second: string;
}): VisionMlp<Tensor> {
  const inner = ({ parameters, layer }: MlpInput, x: Tensor): GeluArgs => ({
    x,
    bias: biasOf(parameters, `${layer}.${first}`)!,
    form,
  });
  return {
    forward: (args) => {
      const { parameters, layer, x } = args;
      const saved = linear({ parameters, layer: `${layer}.${first}`, x });
      const last = `${layer}.${second}`;
      const y = linear({ parameters, layer: last, x: fused().gelu(inner(args, saved)) });
      return { y, last, saved };
    },
    backward: (args) => {
      const { parameters, layer, x, saved, dy } = args;
      const { gelu, geluGradient } = fused();
      const back = (name: string, input: Tensor, d: Tensor) =>
        linearBackward({ parameters, layer: `${layer}.${name}`, x: input, dy: d });
      const dGelu = back(second, gelu(inner(args, saved)), dy);
      return [back(first, x, geluGradient({ ...inner(args, saved), d: dGelu }).dx)];
    },
  };
}

/** The decoder's gated MLP, with biases. */
export const gatedVisionMlp: VisionMlp<GatedMlpSaved> = {
  forward: (args) => ({ ...gatedMlp(args), last: `${args.layer}.down_proj` }),
  backward: gatedMlpBackward,
};
