import type { Grid } from './patch-positions.js';

/** Neighbouring windows of equal size, which are attended as one batch: each patch sees those of its own window. */
export interface WindowRun {
  /** First patch. */
  start: number;
  windows: number;
  /** Patches of a window. */
  patches: number;
}

/** Patches in an order in which those that see each other stand together. */
export interface Arrangement {
  /** The patch, in the processor's order, that stands in each row; null: that order itself. `[patches]` */
  order: Int32Array | null;
  windows: WindowRun[];
}

/** Each temporal slice of a video as a window. */
export function sliceWindows(grids: readonly Grid[]): Arrangement {
  return { order: null, windows: runsOf(grids.flatMap(([t, h, w]) => Array<number>(t).fill(h * w))) };
}

/**
 * Squares of `size` · `size` cells of each slice as windows, smaller at its right and lower edge (Qwen2.5-VL, Bai et al.
 * 2025, §2.1.1; the patches of a cell stand together in the processor's order). Windows of equal size are put next to
 * each other, so that there are few runs.
 *
 * @param merge a cell has merge · merge patches
 */
export function squareWindows({
  grids,
  merge,
  size,
}: {
  grids: readonly Grid[];
  merge: number;
  size: number;
}): Arrangement {
  const windows = grids.flatMap((grid, i) => {
    const before = grids.slice(0, i).reduce((sum, [t, h, w]) => sum + t * h * w, 0);
    return squaresOf({ grid, merge, size, before });
  });
  windows.sort((a, b) => b.length - a.length);
  return { order: Int32Array.from(windows.flat()), windows: runsOf(windows.map(({ length }) => length)) };
}

/** Patches of each window of a video. */
function squaresOf(args: { grid: Grid; merge: number; size: number; before: number }): number[][] {
  const { grid, merge, size, before } = args;
  const area = merge ** 2;
  const [slices, rows, columns] = [grid[0], grid[1] / merge, grid[2] / merge];
  const windows: number[][] = [];
  for (let slice = 0; slice < slices; slice++)
    for (let top = 0; top < rows; top += size)
      for (let left = 0; left < columns; left += size) {
        const patches: number[] = [];
        for (let row = top; row < Math.min(top + size, rows); row++)
          for (let column = left; column < Math.min(left + size, columns); column++) {
            const first = before + ((slice * rows + row) * columns + column) * area;
            for (let i = 0; i < area; i++) patches.push(first + i);
          }
        windows.push(patches);
      }
  return windows;
}

/** @param lengths patches of each window */
function runsOf(lengths: readonly number[]): WindowRun[] {
  const runs: WindowRun[] = [];
  let start = 0;
  for (const patches of lengths) {
    const last = runs.at(-1);
    if (last !== undefined && last.patches === patches) last.windows += 1;
    else runs.push({ start, windows: 1, patches });
    start += patches;
  }
  return runs;
}

/** Where each patch stands: the way back from `order`. */
export function placesOf(order: Int32Array): Int32Array {
  const places = new Int32Array(order.length);
  for (const [row, patch] of order.entries()) places[patch] = row;
  return places;
}
