import type { VisionConfig } from '../../model-folder/model-config.js';
import type { Rotary } from '../../tensor/kernels.js';
import { cast, reshape, upload } from '../../tensor/ops.js';
import { activeBackend } from '../../tensor/runtime.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import { biasOf, inComputeType, linear, linearBackward, linearWeightBackward } from '../linear.js';
import { type NormSaved, norm, normBackward } from '../norm.js';
import type { Parameters } from '../parameters.js';
import { gelu, geluBackward } from './activations.js';
import { type BlockSaved, blockBackward, blockForward, NORM_EPSILON } from './block.js';
import { type Grid, patchRotary, sliceRuns } from './patch-positions.js';

/** Patches of one or more videos, one after the other. */
export interface Video {
  /** `[t · h · w, channels · temporal · patch · patch]` */
  patches: Float32Array;
  grid: Grid;
}

export interface TowerSaved {
  patches: Tensor;
  rotary: Rotary;
  grids: Grid[];
  blocks: BlockSaved[];
  norm: NormSaved;
  merged: Tensor;
  /** What the merger's first layer gave, with its bias, float32. */
  inner: Tensor;
}

interface Tower {
  parameters: Parameters;
  config: VisionConfig;
}

/**
 * The vision tower of Qwen2-VL: patches → tokens of the decoder.
 *
 * @returns `[Σ t·h·w / merge², hidden]` float32; `saved` only with `keepSaved`
 */
export function towerForward(args: Tower & { videos: Video[]; keepSaved: boolean }): {
  y: Tensor;
  saved: TowerSaved | null;
} {
  const { parameters, config, videos, keepSaved } = args;
  return scope(() => {
    const grids = videos.map(({ grid }) => grid);
    const patches = inComputeType(parameters, uploadPatches(videos));
    const count = patches.shape[0]!;
    const D = config.embedDim / config.numHeads;
    const table = patchRotary({ grids, config });
    const rotary = { cos: upload(table.cos, [count, D]), sin: upload(table.sin, [count, D]) };
    const { add } = activeBackend().kernels;
    const runs = sliceRuns(grids);
    const blocks: BlockSaved[] = [];
    let x = cast(linear({ parameters, layer: 'visual.patch_embed.proj', x: patches }), 'float32');
    for (let index = 0; index < config.depth; index++) {
      const { y, saved } = blockForward({ parameters, config, index, rotary, runs, x });
      // A block keeps its input, as what its first norm was of.
      if (keepSaved) blocks.push(saved);
      else dispose(x, saved);
      x = y;
    }
    const { y: normed, saved } = norm({ parameters, layer: 'visual.merger.ln_q', x, epsilon: NORM_EPSILON });
    const area = config.spatialMergeSize ** 2;
    const merged = reshape(normed, [count / area, area * config.embedDim]);
    const first = linear({ parameters, layer: 'visual.merger.mlp.0', x: merged });
    const inner = add({ delta: first, bias: biasOf(parameters, 'visual.merger.mlp.0') });
    const second = linear({ parameters, layer: 'visual.merger.mlp.2', x: inComputeType(parameters, gelu(inner)) });
    const y = add({ delta: second, bias: biasOf(parameters, 'visual.merger.mlp.2') });
    return { y, saved: keepSaved ? { patches, rotary, grids, blocks, norm: saved, merged, inner } : null };
  });
}

/** Adds the gradients of the tower's weights; frees what the forward kept. */
export function towerBackward(args: Tower & { saved: TowerSaved; dy: Tensor }): void {
  const { parameters, config, saved, dy } = args;
  const { rotary, grids, patches } = saved;
  scope(() => {
    const inType = (x: Tensor) => inComputeType(parameters, x);
    const back = (layer: string, x: Tensor, d: Tensor) =>
      linearBackward({ parameters, layer: `visual.merger.${layer}`, x, dy: d });
    const dGelu = back('mlp.2', inType(gelu(saved.inner)), inType(dy));
    const dInner = geluBackward(saved.inner, cast(dGelu, 'float32'));
    const dMerged = back('mlp.0', saved.merged, inType(dInner));
    const dNormed = reshape(dMerged, [patches.shape[0]!, config.embedDim]);
    let d = normBackward({ parameters, layer: 'visual.merger.ln_q', saved: saved.norm, dys: [dNormed] }).dx;
    const runs = sliceRuns(grids);
    for (let index = config.depth - 1; index >= 0; index--) {
      const block = saved.blocks[index]!;
      const next = blockBackward({ parameters, config, index, rotary, runs, saved: block, dy: d });
      dispose(d, block);
      d = next;
    }
    linearWeightBackward({ parameters, layer: 'visual.patch_embed.proj', x: patches, dy: inType(d) });
  });
  dispose(saved);
}

function uploadPatches(videos: Video[]): Tensor {
  const only = videos.length === 1 ? videos[0]!.patches : null;
  const total = videos.reduce((sum, { patches }) => sum + patches.length, 0);
  const all = only ?? new Float32Array(total);
  let at = 0;
  if (only === null)
    for (const { patches } of videos) {
      all.set(patches, at);
      at += patches.length;
    }
  const count = videos.reduce((sum, { grid: [t, h, w] }) => sum + t * h * w, 0);
  return upload(all, [count, total / count]);
}
