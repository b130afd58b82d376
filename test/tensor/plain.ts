import { uniform } from '../../src/system/random.js';
import { downloadFloats, downloadInts, upload } from '../../src/tensor/ops.js';
import { scope, type Tensor } from '../../src/tensor/tensor.js';

/** Arrays in double precision on the host: what the device's results are compared with. */
export interface Plain {
  shape: number[];
  data: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const plain = (shape: number[], data: ArrayLike<number>): Plain => ({ shape, data: Float64Array.from(data) });

/** The array whose element at `index` is `value(index)`. */
export function build(shape: number[], value: (index: number[]) => number): Plain {
  const index = shape.map(() => 0);
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at `index`, of which the last axes count, and axes of length one are repeated. */
export function at({ shape, data }: Plain, index: readonly number[]): number {
  let offset = 0;
  for (const [axis, length] of shape.entries()) {
    const i = index[index.length - shape.length + axis]!;
    offset = offset * length + (length === 1 ? 0 : i);
  }
  return data[offset]!;
}

/** Uniform in ±1, rounded to float32 so that the device holds the same numbers. */
export const random = (shape: number[], seed: number): Plain => ({
  shape,
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(2 * uniform(seed, i) - 1)),
});

export const map = ({ shape, data }: Plain, f: (x: number) => number): Plain => ({ shape, data: data.map(f) });

/** The product of matrices, or of two batches of them. */
export function matmul(a: Plain, b: Plain, transposeA: boolean, transposeB: boolean): Plain {
  const turned = (x: Plain, turn: boolean) => (turn ? swapLast(x) : x);
  const [left, right] = [turned(a, transposeA), turned(b, transposeB)];
  const K = left.shape.at(-1)!;
  return build([...left.shape.slice(0, -1), right.shape.at(-1)!], (index) => {
    const batch = index.slice(0, -2);
    const [m, n] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < K; k++) sum += at(left, [...batch, m, k]) * at(right, [...batch, k, n]);
    return sum;
  });
}

const swapLast = (x: Plain): Plain => {
  const [m, n] = x.shape.slice(-2) as [number, number];
  return build([...x.shape.slice(0, -2), n, m], (i) => at(x, [...i.slice(0, -2), i.at(-1)!, i.at(-2)!]));
};

export const toDevice = ({ shape, data }: Plain): Tensor => upload(Float32Array.from(data), shape);

/** What an operation on the device gives, with all its tensors freed. */
export const result = (body: () => Tensor): Plain =>
  scope(() => {
    const y = body();
    return plain([...y.shape], y.dtype === 'int32' ? downloadInts(y) : downloadFloats(y));
  });

/** By its Taylor series; ten digits for |x| < 4. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
