import { activeBackend } from './active.js';
import type { Backend } from './backend.js';
import { scope, type Tensor, track } from './tensor.js';

/** The operations of a backend as functions; their results belong to the innermost `scope`. */

const on = (): Backend => activeBackend();

export const upload = (data: Float32Array | Int32Array, shape: readonly number[]): Tensor =>
  track(on().upload(data, shape));
export const uploadBfloat16 = (bits: Uint8Array, shape: readonly number[]): Tensor =>
  track(on().uploadBfloat16(bits, shape));
/** An int32 vector. */
export const indices = (values: readonly number[] | Int32Array): Tensor =>
  upload(values instanceof Int32Array ? values : Int32Array.from(values), [values.length]);
export const downloadFloats = (x: Tensor): Float32Array => on().download(x) as Float32Array;
export const downloadInts = (x: Tensor): Int32Array => on().download(x) as Int32Array;

/** The same tensor where the type fits already. */
export const cast = (x: Tensor, dtype: 'float32' | 'bfloat16'): Tensor =>
  x.dtype === dtype ? x : track(on().cast(x, dtype));

export const exp = (x: Tensor): Tensor => track(on().unary('exp', x));
export const rsqrt = (x: Tensor): Tensor => track(on().unary('rsqrt', x));
export const square = (x: Tensor): Tensor => track(on().unary('square', x));
export const sigmoid = (x: Tensor): Tensor => track(on().unary('sigmoid', x));
export const erf = (x: Tensor): Tensor => track(on().unary('erf', x));

export const add = (a: Tensor, b: Tensor): Tensor => track(on().binary('add', a, b));
export const sub = (a: Tensor, b: Tensor): Tensor => track(on().binary('sub', a, b));
export const mul = (a: Tensor, b: Tensor): Tensor => track(on().binary('mul', a, b));
export const maximum = (a: Tensor, b: Tensor): Tensor => track(on().binary('maximum', a, b));
export const scale = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : track(on().scale(x, factor)));
export const shift = (x: Tensor, addend: number): Tensor => track(on().shift(x, addend));

/** Over the last axis, which stays with length one. */
export const sumLast = (x: Tensor): Tensor => track(on().reduce('sum', x, x.shape.length - 1, true));
export const meanLast = (x: Tensor): Tensor => track(on().reduce('mean', x, x.shape.length - 1, true));
/** Over the first axis, which goes. */
export const sumFirst = (x: Tensor): Tensor => track(on().reduce('sum', x, 0, false));

export const matmul = (
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor => track(on().matmul(a, b, transposeA, transposeB));
export const products = (x: Tensor, ws: readonly Tensor[]): Tensor[] => on().products(x, ws).map(track);
export const softmax = (x: Tensor): Tensor => track(on().softmax(x));
export const reshape = (x: Tensor, shape: readonly number[]): Tensor => track(on().reshape(x, shape));
export const transpose = (x: Tensor, permutation: readonly number[]): Tensor => track(on().transpose(x, permutation));
export const slice = (x: Tensor, begin: readonly number[], size: readonly number[]): Tensor =>
  track(on().slice(x, begin, size));
/** `count` rows of the first axis from `start`; the tensor itself where that is all of it. */
export const rows = (x: Tensor, start: number, count: number): Tensor => {
  if (count === x.shape[0]) return x;
  const rest = x.shape.slice(1);
  return slice(x, [start, ...rest.map(() => 0)], [count, ...rest]);
};
/** Zeros before and after x along an axis. */
export const pad = (x: Tensor, axis: number, before: number, after: number): Tensor => {
  if (before === 0 && after === 0) return x;
  const paddings = x.shape.map((_, i): [number, number] => (i === axis ? [before, after] : [0, 0]));
  return track(on().pad(x, paddings));
};
export const concat = (xs: readonly Tensor[], axis: number): Tensor =>
  xs.length === 1 ? xs[0]! : track(on().concat(xs, axis));
export const gather = (x: Tensor, rowIndices: Tensor): Tensor => track(on().gather(x, rowIndices));
export const swapHalves = (x: Tensor): Tensor => track(on().swapHalves(x));
export const segmentSum = (x: Tensor, segments: Tensor, count: number): Tensor =>
  track(on().segmentSum(x, segments, count));
export const crossEntropy = (logits: Tensor, labels: Tensor): { loss: Tensor; gradient: Tensor } => {
  const { loss, gradient } = on().crossEntropy(logits, labels);
  return { loss: track(loss), gradient: track(gradient) };
};
export const sampleRows = (p: Tensor, u: Tensor): Tensor => track(on().sampleRows(p, u));
export const argMax = (x: Tensor): Tensor => track(on().argMax(x));
export const topK = (x: Tensor, k: number): { values: Tensor; indices: Tensor } => {
  const top = on().topK(x, k);
  return { values: track(top.values), indices: track(top.indices) };
};

/** Sum of the squares of all elements, read back to the host. */
export const squaredNorm = (x: Tensor): number => scope(() => downloadFloats(on().kernels.squaredNorm(x))[0]!);
