import { cast, concat, mul, reshape, rows, slice, softmax, sub, sumLast, transpose } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import { type ComputeType, product } from '../product.js';
import type { SliceRun } from './patch-positions.js';

/** Full attention among the patches of each temporal slice. */
interface SliceAttention {
  /** `[patches, E]` each; `q` scaled by 1/√D. */
  q: Tensor;
  k: Tensor;
  v: Tensor;
  runs: SliceRun[];
  heads: number;
  type: ComputeType;
}

/** `[slices · patches, heads · D]` → `[slices · heads, patches, D]` in the compute type. */
function byHead(x: Tensor, { slices, patches }: SliceRun, heads: number, type: ComputeType): Tensor {
  const D = x.shape[1]! / heads;
  const split = transpose(reshape(cast(x, type), [slices, patches, heads, D]), [0, 2, 1, 3]);
  return reshape(split, [slices * heads, patches, D]);
}

function byPatch(x: Tensor, { slices, patches }: SliceRun, heads: number): Tensor {
  const D = x.shape[2]!;
  const joined = transpose(reshape(x, [slices, heads, patches, D]), [0, 2, 1, 3]);
  return reshape(joined, [slices * patches, heads * D]);
}

/** @returns `[patches, E]` */
export function sliceAttention({ q, k, v, runs, heads, type }: SliceAttention): Tensor {
  const outputs = runs.map((run) =>
    scope(() => {
      const part = (x: Tensor) => byHead(rows(x, run.start, run.slices * run.patches), run, heads, type);
      const p = softmax(product(type, part(q), part(k), { transposeB: true }));
      return byPatch(product(type, p, part(v)), run, heads);
    }),
  );
  return concat(outputs, 0);
}

/** @returns the gradients of q, k, v side by side: `[patches, 3 · E]`, as one matrix made them. */
export function sliceAttentionBackward(args: SliceAttention & { y: Tensor; dy: Tensor }): Tensor {
  const { q, k, v, y, dy, runs, heads, type } = args;
  const outputs = runs.map((run) =>
    scope(() => {
      const part = (x: Tensor, as: ComputeType = type) =>
        byHead(rows(x, run.start, run.slices * run.patches), run, heads, as);
      const [qh, kh, vh] = [part(q), part(k), part(v)];
      const d = part(dy, 'float32');
      const p = softmax(product(type, qh, kh, { transposeB: true }));
      const delta = sumLast(mul(d, part(y, 'float32')));
      const ds = mul(p, sub(product(type, d, vh, { transposeB: true }), delta));
      const gradients = [
        product(type, ds, kh),
        product(type, ds, qh, { transposeA: true }),
        product(type, p, d, { transposeA: true }),
      ];
      return concat(
        gradients.map((gradient) => byPatch(gradient, run, heads)),
        1,
      );
    }),
  );
  return concat(outputs, 0);
}

/** The three columns blocks of `[patches, 3 · E]`. */
export function splitThree(x: Tensor): [Tensor, Tensor, Tensor] {
  const [n, width] = x.shape as [number, number];
  const part = (i: number) => slice(x, [0, (i * width) / 3], [n, width / 3]);
  return [part(0), part(1), part(2)];
}
