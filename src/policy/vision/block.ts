import { add, concat, scale } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import type { VisionConfig } from '../files/model-config.js';
import { linear, linearBackward } from '../linear.js';
import { layerNorm, layerNormBackward, type NormSaved } from '../norm.js';
import type { Parameters } from '../parameters.js';
import { type Rotary, rotate, rotateBackward } from '../rope.js';
import { quickGelu, quickGeluBackward } from './activations.js';
import { sliceAttention, sliceAttentionBackward, splitThree } from './attention.js';
import type { SliceRun } from './patch-positions.js';

/** Of all norms of the tower; Hugging Face fixes it in code. */
export const NORM_EPSILON = 1e-6;

interface Block {
  parameters: Parameters;
  config: VisionConfig;
  index: number;
  rotary: Rotary;
  runs: SliceRun[];
}

export interface BlockSaved {
  norm1: NormSaved;
  normed1: Tensor;
  q: Tensor;
  k: Tensor;
  v: Tensor;
  attended: Tensor;
  norm2: NormSaved;
  normed2: Tensor;
  inner: Tensor;
}

/** x + attention(norm1(x)), then x + mlp(norm2(x)). `[patches, E]` */
export function blockForward(args: Block & { x: Tensor }): { y: Tensor; saved: BlockSaved } {
  const { parameters, config, index, rotary, runs, x } = args;
  const { type } = parameters;
  const name = `visual.blocks.${index}`;
  const norm = (layer: string, input: Tensor) =>
    layerNorm({ parameters, layer: `${name}.${layer}`, x: input, epsilon: NORM_EPSILON });
  return scope(() => {
    const { y: normed1, saved: norm1 } = norm('norm1', x);
    const [q0, k0, v] = splitThree(linear({ parameters, layer: `${name}.attn.qkv`, x: normed1 }));
    const q = scale(rotate(q0, rotary), queryScale(config));
    const k = rotate(k0, rotary);
    const attended = sliceAttention({ q, k, v, runs, heads: config.numHeads, type });
    const middle = add(x, linear({ parameters, layer: `${name}.attn.proj`, x: attended }));
    const { y: normed2, saved: norm2 } = norm('norm2', middle);
    const inner = linear({ parameters, layer: `${name}.mlp.fc1`, x: normed2 });
    const y = add(middle, linear({ parameters, layer: `${name}.mlp.fc2`, x: quickGelu(inner) }));
    return { y, saved: { norm1, normed1, q, k, v, attended, norm2, normed2, inner } };
  });
}

export function blockBackward(args: Block & { saved: BlockSaved; dy: Tensor }): Tensor {
  const { parameters, config, index, rotary, runs, saved, dy } = args;
  const { type } = parameters;
  const name = `visual.blocks.${index}`;
  const back = (layer: string, x: Tensor, d: Tensor) =>
    linearBackward({ parameters, layer: `${name}.${layer}`, x, dy: d });
  const normBack = (layer: string, norm: NormSaved, d: Tensor) =>
    layerNormBackward({ parameters, layer: `${name}.${layer}`, saved: norm, dy: d });
  return scope(() => {
    const dInner = quickGeluBackward(saved.inner, back('mlp.fc2', quickGelu(saved.inner), dy));
    const dMiddle = add(dy, normBack('norm2', saved.norm2, back('mlp.fc1', saved.normed2, dInner)));
    const dAttended = back('attn.proj', saved.attended, dMiddle);
    const { q, k, v, attended: y } = saved;
    const d = sliceAttentionBackward({ q, k, v, y, dy: dAttended, runs, heads: config.numHeads, type });
    const [dq, dk, dv] = splitThree(d);
    const dq0 = rotateBackward(scale(dq, queryScale(config)), rotary);
    const dQkv = concat([dq0, rotateBackward(dk, rotary), dv], 1);
    return add(dMiddle, normBack('norm1', saved.norm1, back('attn.qkv', saved.normed1, dQkv)));
  });
}

const queryScale = ({ embedDim, numHeads }: VisionConfig): number => (embedDim / numHeads) ** -0.5;
