import { fused } from '../../../tensor/fused.js';
import type { Rotary } from '../../../tensor/kernels.js';
import { cast, reshape, upload } from '../../../tensor/ops.js';
import { dispose, scope, type Tensor } from '../../../tensor/tensor.js';
import { biasOf, inComputeType, linear, linearBackward, linearWeightBackward } from '../../linear.js';
import { type NormSaved, norm, normBackward } from '../../norm.js';
import type { Parameters } from '../../parameters.js';
import { gelu, geluBackward } from '../../vision/activations.js';
import { type BlockSaved, blockBackward, blockForward } from '../../vision/block.js';
import { quickGeluMlp } from '../../vision/mlp.js';
import { type Grid, patchRotary } from '../../vision/patch-positions.js';
import { uploadPatches, type Video } from '../../vision/patches.js';
import { sliceWindows } from '../../vision/windows.js';
import type { Tower } from '../family.js';
import type { VisionConfig } from './config.js';

/** Of all norms of the tower; Hugging Face fixes it in code. */
const NORM_EPSILON = 1e-6;

interface TowerSaved {
  patches: Tensor;
  rotary: Rotary;
  grids: Grid[];
  blocks: BlockSaved<Tensor>[];
  norm: NormSaved;
  merged: Tensor;
  /** What the merger's first layer gave, with its bias, float32. */
  inner: Tensor;
}

interface TowerParts {
  parameters: Parameters;
  config: VisionConfig;
}

/** The vision tower of Qwen2-VL (Wang et al. 2024, §2.1). */
export const openTower = (parts: TowerParts): Tower<TowerSaved> => ({
  forward: (videos, keepsSaved) => {
    const { y, saved } = towerForward({ ...parts, videos, keepsSaved });
    return { out: { tokens: y, deep: [] }, saved };
  },
  backward: (saved, { tokens }) => towerBackward({ ...parts, saved, dy: tokens }),
});

const blockOf = ({ parameters, config }: TowerParts, index: number) => ({
  parameters,
  layer: `visual.blocks.${index}`,
  heads: config.numHeads,
  epsilon: NORM_EPSILON,
  mlp: quickGeluMlp,
});

/** @returns `[Σ t·h·w / merge², hidden]` float32; `saved` only with `keepsSaved` */
function towerForward(args: TowerParts & { videos: Video[]; keepsSaved: boolean }): {
  y: Tensor;
  saved: TowerSaved | null;
} {
  const { parameters, config, videos, keepsSaved } = args;
  return scope(() => {
    const grids = videos.map(({ grid }) => grid);
    const patches = inComputeType(parameters, uploadPatches(videos));
    const count = patches.shape[0]!;
    const D = config.embedDim / config.numHeads;
    const { spatialMergeSize: merge, ropeTheta: theta } = config;
    const table = patchRotary({ grids, merge, theta, dimension: D });
    const rotary = { cos: upload(table.cos, [count, D]), sin: upload(table.sin, [count, D]) };
    const { add } = fused();
    const windows = sliceWindows(grids);
    const blocks: BlockSaved<Tensor>[] = [];
    let x = cast(linear({ parameters, layer: 'visual.patch_embed.proj', x: patches }), 'float32');
    for (let index = 0; index < config.depth; index++) {
      const { y, saved } = blockForward({ ...blockOf(args, index), rotary, windows, x });
      // A block keeps its input, as what its first norm was of.
      if (keepsSaved) blocks.push(saved);
      else dispose(x, saved);
      x = y;
    }
    const { y: normed, saved } = norm({ parameters, layer: 'visual.merger.ln_q', x, epsilon: NORM_EPSILON });
    const area = merge ** 2;
    const merged = reshape(normed, [count / area, area * config.embedDim]);
    const first = linear({ parameters, layer: 'visual.merger.mlp.0', x: merged });
    const inner = add({ delta: first, bias: biasOf(parameters, 'visual.merger.mlp.0') });
    const second = linear({ parameters, layer: 'visual.merger.mlp.2', x: inComputeType(parameters, gelu(inner)) });
    const y = add({ delta: second, bias: biasOf(parameters, 'visual.merger.mlp.2') });
    return { y, saved: keepsSaved ? { patches, rotary, grids, blocks, norm: saved, merged, inner } : null };
  });
}

/** Adds the gradients of the tower's weights; frees what the forward kept. */
function towerBackward(args: TowerParts & { saved: TowerSaved; dy: Tensor }): void {
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
    const windows = sliceWindows(grids);
    for (let index = config.depth - 1; index >= 0; index--) {
      const block = saved.blocks[index]!;
      const next = blockBackward({ ...blockOf(args, index), rotary, windows, saved: block, dy: d });
      dispose(d, block);
      d = next;
    }
    linearWeightBackward({ parameters, layer: 'visual.patch_embed.proj', x: patches, dy: inType(d) });
  });
  dispose(saved);
}
