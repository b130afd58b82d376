import { gather, indices, segmentSum } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';

/** Some rows of x `[n, width]`; null: x itself. */
export const pickRows = (x: Tensor, rows: Int32Array | null): Tensor => (rows === null ? x : gather(x, indices(rows)));

/** The way back: d `[rows, width]` added into its places in `[count, width]`; several rows may share one. */
export const spreadRows = (d: Tensor, rows: Int32Array | null, count: number): Tensor =>
  rows === null ? d : segmentSum(d, indices(rows), count);
