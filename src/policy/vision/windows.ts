import type { Grid } from './patch-positions.js';

/** Neighbouring windows of equal size, which are attended as one batch: each patch sees those of its own window. */
export interface WindowRun {
  /** First patch. */
  start: number;
  windows: number;
  /** Patches of a window. */
  patches: number;
}

/** Each temporal slice of a video as a window. */
export function sliceWindows(grids: readonly Grid[]): WindowRun[] {
  const runs: WindowRun[] = [];
  let start = 0;
  for (const [t, h, w] of grids) {
    const last = runs.at(-1);
    if (last !== undefined && last.patches === h * w) last.windows += t;
    else runs.push({ start, windows: t, patches: h * w });
    start += t * h * w;
  }
  return runs;
}
