import { fused } from '../../tensor/fused.js';
import type { Rotary } from '../../tensor/kernels.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import { biasOf, inComputeType, linear, linearBackward } from '../linear.js';
import { type NormSaved, norm, normBackward } from '../norm.js';
import type { Parameters } from '../parameters.js';
import { splitWindows, type WindowHeads, windowAttention, windowAttentionBackward } from './attention.js';
import type { VisionMlp } from './mlp.js';
import type { WindowRun } from './windows.js';

/** What a block is put together from. Its norms are layer norms where they have biases, else RMS norms. */
interface Block<MlpSaved> {
  parameters: Parameters;
  /** Its name, such as `visual.blocks.0`. */
  layer: string;
  heads: number;
  /** Of the norms. */
  epsilon: number;
  mlp: VisionMlp<MlpSaved>;
  rotary: Rotary;
  /** The patches that see each other. */
  windows: WindowRun[];
}

export interface BlockSaved<MlpSaved> {
  norm1: NormSaved;
  normed1: Tensor;
  split: WindowHeads[];
  attended: Tensor;
  norm2: NormSaved;
  normed2: Tensor;
  mlp: MlpSaved;
}

/** x + attention(norm1(x)), then x + mlp(norm2(x)). `[patches, E]` float32 */
export function blockForward<MlpSaved>(args: Block<MlpSaved> & { x: Tensor }): {
  y: Tensor;
  saved: BlockSaved<MlpSaved>;
} {
  const { parameters, layer, heads, epsilon, mlp, rotary, windows, x } = args;
  const times = (name: string, input: Tensor) => linear({ parameters, layer: `${layer}.${name}`, x: input });
  return scope(() => {
    const { y: normed1, saved: norm1 } = norm({ parameters, layer: `${layer}.norm1`, x, epsilon });
    const bias = biasOf(parameters, `${layer}.attn.qkv`);
    const split = splitWindows({ qkv: times('attn.qkv', normed1), bias, rotary, windows, heads });
    const attended = windowAttention({ split, windows, heads });
    const { y: normed2, saved: norm2 } = norm({
      parameters,
      layer: `${layer}.norm2`,
      x,
      delta: times('attn.proj', attended),
      deltaLayer: `${layer}.attn.proj`,
      epsilon,
    });
    const update = mlp.forward({ parameters, layer: `${layer}.mlp`, x: normed2 });
    const y = fused().add({ x: norm2.sum, delta: update.y, bias: biasOf(parameters, update.last) });
    return { y, saved: { norm1, normed1, split, attended, norm2, normed2, mlp: update.saved } };
  });
}

/** @param dy `[patches, E]` float32 @returns the gradient of x, float32 */
export function blockBackward<MlpSaved>(args: Block<MlpSaved> & { saved: BlockSaved<MlpSaved>; dy: Tensor }): Tensor {
  const { parameters, layer, heads, mlp, rotary, windows, saved, dy } = args;
  const back = (name: string, x: Tensor, d: Tensor) =>
    linearBackward({ parameters, layer: `${layer}.${name}`, x, dy: d });
  const normBack = (name: string, norms: NormSaved, dys: Tensor[], residual: Tensor) =>
    normBackward({ parameters, layer: `${layer}.${name}`, saved: norms, dys, residual });
  return scope(() => {
    const own = { parameters, layer: `${layer}.mlp`, x: saved.normed2, saved: saved.mlp };
    const dMlp = mlp.backward({ ...own, dy: inComputeType(parameters, dy) });
    const dMiddle = normBack('norm2', saved.norm2, dMlp, dy);
    const dAttended = back('attn.proj', saved.attended, dMiddle.dxCast);
    const dQkv = windowAttentionBackward({ split: saved.split, dy: dAttended, rotary, windows, heads });
    return normBack('norm1', saved.norm1, [back('attn.qkv', saved.normed1, dQkv)], dMiddle.dx).dx;
  });
}
