/**
 * Rotary tables on the host, `[N, D]` each. `sin` carries the sign of rotate_half (minus in the first half), so that
 * a rotation is x · cos + swapHalves(x) · sin.
 */
export interface RotaryTable {
  cos: Float32Array;
  sin: Float32Array;
}

/** 1 / θ^(2i/D) for i < D/2, rounded step by step as PyTorch rounds in float32. */
export function inverseFrequencies({ theta, dimension }: { theta: number; dimension: number }): Float32Array {
  const exponent = (i: number) => Math.fround((2 * i) / dimension);
  return Float32Array.from({ length: dimension / 2 }, (_, i) => 1 / Math.fround(theta ** exponent(i)));
}

/**
 * M-RoPE of the decoder (Wang et al. 2024, §2.1): frequency i turns with the temporal, height or width position.
 *
 * @param positions `[3, N]`
 * @param axes of each frequency: 0 time, 1 height, 2 width. `[D / 2]`
 */
export function textRotary(args: {
  positions: Int32Array;
  axes: readonly number[];
  theta: number;
  dimension: number;
}): RotaryTable {
  const { positions, axes, theta, dimension } = args;
  const n = positions.length / 3;
  return table({
    n,
    frequencies: inverseFrequencies({ theta, dimension }),
    position: (token, i) => positions[axes[i]! * n + token]!,
  });
}

/**
 * 2-D rope of the vision tower: the first quarter of the dimensions turns with the row, the second with the column.
 *
 * @param rows `[N]` row of each patch, in patches
 * @param columns `[N]`
 */
export function visionRotary(args: {
  rows: Int32Array;
  columns: Int32Array;
  theta: number;
  dimension: number;
}): RotaryTable {
  const { rows, columns, theta, dimension } = args;
  const quarter = inverseFrequencies({ theta, dimension: dimension / 2 });
  return table({
    n: rows.length,
    frequencies: Float32Array.from([...quarter, ...quarter]),
    position: (patch, i) => (i < quarter.length ? rows[patch]! : columns[patch]!),
  });
}

function table(args: {
  n: number;
  frequencies: Float32Array;
  position: (token: number, frequency: number) => number;
}): RotaryTable {
  const { n, frequencies, position } = args;
  const half = frequencies.length;
  const cos = new Float32Array(n * half * 2);
  const sin = new Float32Array(n * half * 2);
  for (let token = 0; token < n; token++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position(token, i) * frequencies[i]!);
      const at = token * half * 2 + i;
      cos[at] = Math.cos(angle);
      cos[at + half] = cos[at]!;
      sin[at + half] = Math.sin(angle);
      sin[at] = -sin[at + half]!;
    }
  }
  return { cos, sin };
}
