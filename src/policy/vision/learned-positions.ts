import { cast, gather, indices, mul, segmentSum, upload } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import type { Parameters } from '../parameters.js';
import { type Grid, patchPositions } from './patch-positions.js';

/** A square table of learned positions, stretched over each slice of a video (Qwen3-VL). */
export interface LearnedPositions {
  /** Name of the table, `[side², E]`. */
  weight: string;
  side: number;
}

interface Args {
  parameters: Parameters;
  positions: LearnedPositions;
  grids: readonly Grid[];
  merge: number;
}

/** Rows of the table that make up a patch's position, and their shares. */
interface Taps {
  patches: number;
  /** `[4 · patches]` each: row of the table, share, patch. */
  rows: Int32Array;
  shares: Float32Array;
  owners: Int32Array;
}

/** The position of each patch, bilinear between the table's corners. `[patches, E]` float32 */
export const learnedPositions = (args: Args): Tensor =>
  scope(() => {
    const { patches, rows, shares, owners } = tapsOf(args);
    const corners = cast(gather(args.parameters.get(args.positions.weight), indices(rows)), 'float32');
    return segmentSum(mul(corners, upload(shares, [shares.length, 1])), indices(owners), patches);
  });

/** Adds the table's gradient where it is trained. @param d `[patches, E]` float32 */
export function learnedPositionsBackward({ d, ...args }: Args & { d: Tensor }): void {
  const { parameters, positions } = args;
  if (!parameters.isTrainable(positions.weight)) return;
  scope(() => {
    const { rows, shares, owners } = tapsOf(args);
    const toCorners = mul(gather(d, indices(owners)), upload(shares, [shares.length, 1]));
    parameters.accumulate(positions.weight, segmentSum(toCorners, indices(rows), positions.side ** 2));
  });
}

function tapsOf({ positions: { side }, grids, merge }: Args): Taps {
  const rows: number[] = [];
  const shares: number[] = [];
  const owners: number[] = [];
  let patch = 0;
  for (const grid of grids) {
    const { rows: ys, columns: xs } = patchPositions({ grids: [grid], merge });
    for (let i = 0; i < ys.length; i++, patch++)
      for (const y of tapsOfAxis({ index: ys[i]!, length: grid[1], side }))
        for (const x of tapsOfAxis({ index: xs[i]!, length: grid[2], side })) {
          rows.push(y.at * side + x.at);
          shares.push(Math.fround(y.share * x.share));
          owners.push(patch);
        }
  }
  return {
    patches: patch,
    rows: Int32Array.from(rows),
    shares: Float32Array.from(shares),
    owners: Int32Array.from(owners),
  };
}

/** The first patch lies on the table's first entry, the last on its last; rounded as PyTorch rounds in float32. */
function tapsOfAxis(args: { index: number; length: number; side: number }): { at: number; share: number }[] {
  const { index, length, side } = args;
  const place = Math.fround((index * (side - 1)) / Math.max(1, length - 1));
  const low = Math.floor(place);
  const share = Math.fround(place - low);
  return [
    { at: low, share: Math.fround(1 - share) },
    { at: Math.min(low + 1, side - 1), share },
  ];
}
