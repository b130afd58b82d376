/**
 * In the place of each value a number made of all of its completion's.
 *
 * @param offsets completion i owns values offsets[i] … offsets[i + 1]. `[n + 1]`
 */
export function bySequence(values: Float64Array, offsets: Int32Array, of: (own: Float64Array) => number): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i + 1 < offsets.length; i++) {
    const [start, end] = [offsets[i]!, offsets[i + 1]!];
    result.fill(of(values.subarray(start, end)), start, end);
  }
  return result;
}

export const total = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0);
