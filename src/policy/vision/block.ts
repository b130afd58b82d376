import type { VisionConfig } from '../../model-folder/model-config.js';
import type { Rotary } from '../../tensor/kernels.js';
import { activeBackend } from '../../tensor/runtime.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import { biasOf, inComputeType, linear, linearBackward } from '../linear.js';
import { type NormSaved, norm, normBackward } from '../norm.js';
import type { Parameters } from '../parameters.js';
import { type SliceHeads, sliceAttention, sliceAttentionBackward, splitSlices } from './attention.js';
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
  split: SliceHeads[];
  attended: Tensor;
  norm2: NormSaved;
  normed2: Tensor;
  /** What `fc1` gave, without its bias. */
  inner: Tensor;
}

/** x + attention(norm1(x)), then x + mlp(norm2(x)). `[patches, E]` float32 */
export function blockForward(args: Block & { x: Tensor }): { y: Tensor; saved: BlockSaved } {
  const { parameters, config, index, rotary, runs, x } = args;
  const name = `visual.blocks.${index}`;
  const heads = config.numHeads;
  const { quickGelu, add } = activeBackend().kernels;
  const times = (layer: string, input: Tensor) => linear({ parameters, layer: `${name}.${layer}`, x: input });
  const bias = (layer: string) => biasOf(parameters, `${name}.${layer}`);
  return scope(() => {
    const { y: normed1, saved: norm1 } = norm({ parameters, layer: `${name}.norm1`, x, epsilon: NORM_EPSILON });
    const qkv = times('attn.qkv', normed1);
    const split = splitSlices({ qkv, bias: bias('attn.qkv'), rotary, runs, heads });
    const attended = sliceAttention({ split, runs, heads });
    const { y: normed2, saved: norm2 } = norm({
      parameters,
      layer: `${name}.norm2`,
      x,
      delta: times('attn.proj', attended),
      deltaLayer: `${name}.attn.proj`,
      epsilon: NORM_EPSILON,
    });
    const inner = times('mlp.fc1', normed2);
    const update = times('mlp.fc2', quickGelu(inner, bias('mlp.fc1')!));
    const y = add({ x: norm2.sum, delta: update, bias: bias('mlp.fc2') });
    return { y, saved: { norm1, normed1, split, attended, norm2, normed2, inner } };
  });
}

/** @param dy `[patches, E]` float32 @returns the gradient of x, float32 */
export function blockBackward(args: Block & { saved: BlockSaved; dy: Tensor }): Tensor {
  const { parameters, config, index, rotary, runs, saved, dy } = args;
  const name = `visual.blocks.${index}`;
  const heads = config.numHeads;
  const { quickGelu, quickGeluGradient } = activeBackend().kernels;
  const back = (layer: string, x: Tensor, d: Tensor) =>
    linearBackward({ parameters, layer: `${name}.${layer}`, x, dy: d });
  const normBack = (layer: string, norms: NormSaved, d: Tensor, residual: Tensor) =>
    normBackward({ parameters, layer: `${name}.${layer}`, saved: norms, dys: [d], residual });
  return scope(() => {
    const bias = biasOf(parameters, `${name}.mlp.fc1`)!;
    const dGelu = back('mlp.fc2', quickGelu(saved.inner, bias), inComputeType(parameters, dy));
    const { dx: dInner } = quickGeluGradient({ x: saved.inner, bias, d: dGelu });
    const dMiddle = normBack('norm2', saved.norm2, back('mlp.fc1', saved.normed2, dInner), dy);
    const dAttended = back('attn.proj', saved.attended, dMiddle.dxCast);
    const dQkv = sliceAttentionBackward({ split: saved.split, dy: dAttended, rotary, runs, heads });
    return normBack('norm1', saved.norm1, back('attn.qkv', saved.normed1, dQkv), dMiddle.dx).dx;
  });
}
