import { reshape, upload } from '../../tensor/ops.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import type { VisionConfig } from '../files/model-config.js';
import { linear, linearBackward, linearWeightBackward } from '../linear.js';
import { layerNorm, layerNormBackward, type NormSaved } from '../norm.js';
import type { Parameters } from '../parameters.js';
import type { Rotary } from '../rope.js';
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
    const patches = uploadPatches(videos);
    const count = patches.shape[0]!;
    const D = config.embedDim / config.numHeads;
    const table = patchRotary({ grids, config });
    const rotary = { cos: upload(table.cos, [count, 1, D]), sin: upload(table.sin, [count, 1, D]) };
    const runs = sliceRuns(grids);
    const blocks: BlockSaved[] = [];
    let x = linear({ parameters, layer: 'visual.patch_embed.proj', x: patches });
    for (let index = 0; index < config.depth; index++) {
      const { y, saved } = blockForward({ parameters, config, index, rotary, runs, x });
      x.dispose();
      if (keepSaved) blocks.push(saved);
      else dispose(saved);
      x = y;
    }
    const { y: normed, saved: norm } = layerNorm({ parameters, layer: 'visual.merger.ln_q', x, epsilon: NORM_EPSILON });
    const area = config.spatialMergeSize ** 2;
    const merged = reshape(normed, [count / area, area * config.embedDim]);
    const inner = linear({ parameters, layer: 'visual.merger.mlp.0', x: merged });
    const y = linear({ parameters, layer: 'visual.merger.mlp.2', x: gelu(inner) });
    return { y, saved: keepSaved ? { patches, rotary, grids, blocks, norm, merged, inner } : null };
  });
}

/** Adds the gradients of the tower's weights; frees what the forward kept. */
export function towerBackward(args: Tower & { saved: TowerSaved; dy: Tensor }): void {
  const { parameters, config, saved, dy } = args;
  const { rotary, grids, patches } = saved;
  scope(() => {
    const dGelu = linearBackward({ parameters, layer: 'visual.merger.mlp.2', x: gelu(saved.inner), dy });
    const dInner = geluBackward(saved.inner, dGelu);
    const dMerged = linearBackward({ parameters, layer: 'visual.merger.mlp.0', x: saved.merged, dy: dInner });
    const dNormed = reshape(dMerged, [patches.shape[0]!, config.embedDim]);
    let d = layerNormBackward({ parameters, layer: 'visual.merger.ln_q', saved: saved.norm, dy: dNormed });
    const runs = sliceRuns(grids);
    for (let index = config.depth - 1; index >= 0; index--) {
      const block = saved.blocks[index]!;
      const next = blockBackward({ parameters, config, index, rotary, runs, saved: block, dy: d });
      dispose(d, block);
      d = next;
    }
    linearWeightBackward({ parameters, layer: 'visual.patch_embed.proj', x: patches, dy: d });
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
