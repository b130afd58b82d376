import { type RotaryTable, visionRotary } from '../rope.js';

/** `[t, h, w]` of a video in patches, before merging. */
export type Grid = readonly [number, number, number];

/** Row and column of each patch, in the processor's order: time, then blocks of merge × merge patches. */
export function patchPositions({ grids, merge }: { grids: readonly Grid[]; merge: number }): {
  rows: Int32Array;
  columns: Int32Array;
} {
  const rows: number[] = [];
  const columns: number[] = [];
  for (const [t, h, w] of grids)
    for (let slice = 0; slice < t; slice++)
      for (let blockRow = 0; blockRow < h; blockRow += merge)
        for (let blockColumn = 0; blockColumn < w; blockColumn += merge)
          for (let r = 0; r < merge; r++)
            for (let c = 0; c < merge; c++) {
              rows.push(blockRow + r);
              columns.push(blockColumn + c);
            }
  return { rows: Int32Array.from(rows), columns: Int32Array.from(columns) };
}

/**
 * Rotary table of the patches of several videos, one after the other.
 *
 * @param dimension of a head
 * @returns `[patches, dimension]`
 */
export const patchRotary = (args: {
  grids: readonly Grid[];
  merge: number;
  theta: number;
  dimension: number;
}): RotaryTable => visionRotary({ ...patchPositions(args), ...args });
