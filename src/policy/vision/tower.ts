import { fused } from '../../tensor/fused.js';
import type { Rotary } from '../../tensor/kernels.js';
import { add, cast, gather, indices, upload } from '../../tensor/ops.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import type { Tower, VisionTokens } from '../families/family.js';
import { biasOf, inComputeType, linear, linearWeightBackward } from '../linear.js';
import type { Parameters } from '../parameters.js';
import { type BlockSaved, blockBackward, blockForward } from './block.js';
import { type LearnedPositions, learnedPositions, learnedPositionsBackward } from './learned-positions.js';
import { type Merger, type MergerSaved, merge, mergeBackward } from './merger.js';
import type { VisionMlp } from './mlp.js';
import { type Grid, patchRotary } from './patch-positions.js';
import { type TowerInput, uploadPatches } from './patches.js';
import { type Arrangement, placesOf, sliceWindows, squareWindows } from './windows.js';

/** What a family's tower is made of. Its norms are layer norms where they have biases, else RMS norms. */
export interface TowerPlan<MlpSaved> {
  depth: number;
  /** Width of a patch between blocks. */
  embedDim: number;
  heads: number;
  /** A cell of merge · merge patches becomes one token. */
  merge: number;
  ropeTheta: number;
  mlp: VisionMlp<MlpSaved>;
  merger: Merger;
  /** Added to the patches before the first block. */
  positions?: LearnedPositions;
  /** Blocks that attend within squares of `size` cells; left out, all attend within whole slices. */
  windows?: { size: number; isWindowed: (block: number) => boolean };
  /** What is merged after a block, for the decoder's first layers, in their order (deepstack). */
  deep?: readonly { block: number; merger: Merger }[];
}

/** Of all norms of the tower; Hugging Face fixes it in code. */
const EPSILON = 1e-6;
const PATCHES = 'visual.patch_embed.proj';

interface TowerSaved<MlpSaved> {
  patches: Tensor;
  grids: Grid[];
  rotary: Record<Way, Rotary>;
  blocks: BlockSaved<MlpSaved>[];
  merger: MergerSaved;
  deep: MergerSaved[];
}

interface TowerArgs<MlpSaved> {
  parameters: Parameters;
  plan: TowerPlan<MlpSaved>;
}

/** A vision tower: patches in, blocks of attention and MLP, cells of patches merged into tokens. */
export const openTower = <MlpSaved>(args: TowerArgs<MlpSaved>): Tower<TowerSaved<MlpSaved>> => ({
  forward: (visuals, keepsSaved) => towerForward({ ...args, visuals, keepsSaved }),
  backward: (saved, d) => towerBackward({ ...args, saved, d }),
});

/** @returns tokens `[Σ t·h·w / merge², hidden]` float32; `saved` only with `keepsSaved` */
function towerForward<MlpSaved>(args: TowerArgs<MlpSaved> & { visuals: TowerInput[]; keepsSaved: boolean }): {
  out: VisionTokens;
  saved: TowerSaved<MlpSaved> | null;
} {
  const { parameters, plan, visuals, keepsSaved } = args;
  return scope(() => {
    const grids = visuals.map(({ grid }) => grid);
    const patches = inComputeType(parameters, uploadPatches(visuals));
    const ways = arrangements(plan, grids);
    const rotary = rotaryOf({ plan, grids, ways });
    const joining = { parameters, area: plan.merge ** 2, epsilon: EPSILON };
    const blocks: BlockSaved<MlpSaved>[] = [];
    const deep: { y: Tensor; saved: MergerSaved }[] = [];
    let x = embedPatches({ ...args, grids, patches });
    let at: Way = 'slices';
    const move = (to: Way) => {
      x = moved({ x, ways, from: at, to, keeps: keepsSaved });
      at = to;
    };
    for (let index = 0; index < plan.depth; index++) {
      move(wayOf(plan, index));
      const { y, saved } = blockForward({ ...blockOf(args, index), rotary: rotary[at], ...ways[at], x });
      // A block keeps its input, as what its first norm was of.
      if (keepsSaved) blocks.push(saved);
      else dispose(x, saved);
      x = y;
      for (const { merger } of deepAfter(plan, index)) {
        move('slices');
        deep.push(merge({ ...joining, merger, x }));
      }
    }
    move('slices');
    const { y: tokens, saved } = merge({ ...joining, merger: plan.merger, x });
    const out = { tokens, deep: deep.map(({ y }) => y) };
    if (!keepsSaved) return { out, saved: null };
    return { out, saved: { patches, grids, rotary, blocks, merger: saved, deep: deep.map((one) => one.saved) } };
  });
}

/** Adds the gradients of the tower's weights; frees what the forward kept. */
function towerBackward<MlpSaved>(args: TowerArgs<MlpSaved> & { saved: TowerSaved<MlpSaved>; d: VisionTokens }): void {
  const { parameters, plan, saved, d: dOut } = args;
  const { grids, patches, rotary } = saved;
  scope(() => {
    const ways = arrangements(plan, grids);
    const joining = { parameters, area: plan.merge ** 2 };
    let d = mergeBackward({ ...joining, merger: plan.merger, saved: saved.merger, dy: dOut.tokens });
    let at: Way = 'slices';
    const move = (to: Way) => {
      d = moved({ x: d, ways, from: at, to, keeps: false });
      at = to;
    };
    for (let index = plan.depth - 1; index >= 0; index--) {
      for (const { merger, which } of deepAfter(plan, index)) {
        move('slices');
        const more = mergeBackward({ ...joining, merger, saved: saved.deep[which]!, dy: dOut.deep[which]! });
        const sum = add(d, more);
        dispose(d, more);
        d = sum;
      }
      move(wayOf(plan, index));
      const block = saved.blocks[index]!;
      const next = blockBackward({ ...blockOf(args, index), rotary: rotary[at], ...ways[at], saved: block, dy: d });
      dispose(d, block);
      d = next;
    }
    move('slices');
    if (plan.positions !== undefined)
      learnedPositionsBackward({ parameters, positions: plan.positions, grids, merge: plan.merge, d });
    linearWeightBackward({ parameters, layer: PATCHES, x: patches, dy: inComputeType(parameters, d) });
  });
  dispose(saved);
}

/** `[patches, E]` float32 */
function embedPatches<MlpSaved>(args: TowerArgs<MlpSaved> & { grids: Grid[]; patches: Tensor }): Tensor {
  const { parameters, plan, grids, patches } = args;
  const bias = biasOf(parameters, PATCHES);
  return scope(() => {
    const delta = linear({ parameters, layer: PATCHES, x: patches });
    if (bias === undefined && plan.positions === undefined) return cast(delta, 'float32');
    const { positions, merge } = plan;
    const x = positions && learnedPositions({ parameters, positions, grids, merge });
    return fused().add({ x, delta, bias });
  });
}

const blockOf = <MlpSaved>({ parameters, plan }: TowerArgs<MlpSaved>, index: number) => ({
  parameters,
  layer: `visual.blocks.${index}`,
  heads: plan.heads,
  epsilon: EPSILON,
  mlp: plan.mlp,
});

/** What is merged after a block, and which of all it is. */
const deepAfter = ({ deep = [] }: TowerPlan<unknown>, index: number) =>
  deep.map((one, which) => ({ ...one, which })).filter(({ block }) => block === index);

/** The order of the rows; `slices` is the processor's own. */
type Way = 'slices' | 'windows';

const wayOf = ({ windows }: TowerPlan<unknown>, index: number): Way =>
  windows?.isWindowed(index) ? 'windows' : 'slices';

function arrangements({ windows, merge }: TowerPlan<unknown>, grids: Grid[]): Record<Way, Arrangement> {
  const slices = sliceWindows(grids);
  return { slices, windows: windows === undefined ? slices : squareWindows({ grids, merge, size: windows.size }) };
}

/** Rows of x put into another order, for which x is given up unless it `keeps`. */
function moved(args: { x: Tensor; ways: Record<Way, Arrangement>; from: Way; to: Way; keeps: boolean }): Tensor {
  const { x, ways, from, to, keeps } = args;
  const { order } = ways.windows;
  if (from === to || order === null) return x;
  const y = gather(x, indices(to === 'windows' ? order : placesOf(order)));
  if (!keeps) dispose(x);
  return y;
}

function rotaryOf(args: {
  plan: TowerPlan<unknown>;
  grids: Grid[];
  ways: Record<Way, Arrangement>;
}): Record<Way, Rotary> {
  const { plan, grids, ways } = args;
  const dimension = plan.embedDim / plan.heads;
  const table = patchRotary({ grids, merge: plan.merge, theta: plan.ropeTheta, dimension });
  const shape = [table.cos.length / dimension, dimension];
  const slices = { cos: upload(table.cos, shape), sin: upload(table.sin, shape) };
  const { order } = ways.windows;
  if (order === null) return { slices, windows: slices };
  const at = indices(order);
  return { slices, windows: { cos: gather(slices.cos, at), sin: gather(slices.sin, at) } };
}
