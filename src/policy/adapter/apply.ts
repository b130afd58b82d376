import type { Change } from './change.js';

/** The values of a tensor of the adapter, row by row. */
export type ReadTensor = (stored: string) => Promise<Float32Array>;

/**
 * A weight with an adapter's change.
 *
 * @param values the model's own, row by row; not changed
 * @param shape `[out, in, …]`, `[vocabulary, hidden]` for an embedding, `[out]` for a bias
 */
export async function applyChange(args: {
  values: Float32Array;
  shape: readonly number[];
  change: Change;
  read: ReadTensor;
}): Promise<Float32Array> {
  const { shape, change, read } = args;
  const { whole, rows, factors, magnitude, addend } = change;
  const values = whole === undefined ? args.values.slice() : await read(whole);
  const width = values.length / shape[0]!;
  if (rows !== undefined) {
    const given = await read(rows.tensor);
    for (const [i, row] of rows.indices.entries()) values.set(given.subarray(i * width, (i + 1) * width), row * width);
  }
  if (factors !== undefined) {
    const [a, b] = [await read(factors.a), await read(factors.b)];
    const { r, scale } = factors;
    if (factors.isEmbedding) addProduct({ values, a: transposed(b, r), b: transposed(a, a.length / r), r, scale });
    else addProduct({ values, a, b, r, scale });
  }
  if (magnitude !== undefined) {
    const lengths = await read(magnitude);
    if (factors?.isEmbedding) scaleColumns(values, lengths);
    else scaleRows(values, lengths);
  }
  if (addend !== undefined) {
    const given = await read(addend.tensor);
    for (let i = 0; i < values.length; i++) values[i]! += addend.scale * given[i]!;
  }
  return values;
}

/** `values` `[out, in]` += scale · b `[out, r]` · a `[r, in]` */
function addProduct(args: { values: Float32Array; a: Float32Array; b: Float32Array; r: number; scale: number }): void {
  const { values, a, b, r, scale } = args;
  const width = a.length / r;
  for (let row = 0; row < b.length / r; row++)
    for (let k = 0; k < r; k++) {
      const factor = scale * b[row * r + k]!;
      for (let column = 0; column < width; column++) values[row * width + column]! += factor * a[k * width + column]!;
    }
}

/** `[rows, columns]` → `[columns, rows]` */
function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = matrix[row * columns + column]!;
  return result;
}

/** Each row of `[rows, n]` is given its length. */
function scaleRows(values: Float32Array, lengths: Float32Array): void {
  const width = values.length / lengths.length;
  for (const [row, length] of lengths.entries()) {
    const part = values.subarray(row * width, (row + 1) * width);
    const factor = length / Math.sqrt(part.reduce((sum, x) => sum + x * x, 0));
    for (let i = 0; i < width; i++) part[i]! *= factor;
  }
}

/** Each column of `[n, columns]` is given its length. */
function scaleColumns(values: Float32Array, lengths: Float32Array): void {
  const width = lengths.length;
  const squares = new Float64Array(width);
  for (let i = 0; i < values.length; i++) squares[i % width]! += values[i]! ** 2;
  const factors = squares.map((square, column) => lengths[column]! / Math.sqrt(square));
  for (let i = 0; i < values.length; i++) values[i]! *= factors[i % width]!;
}
