/** The number formats of weight files that are read, and their size in bytes. */
export const DTYPE_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
export type WeightDtype = keyof typeof DTYPE_BYTES;

/** A tensor as a file holds it: little-endian numbers, row by row. */
export interface StoredTensor {
  dtype: WeightDtype;
  shape: number[];
  bytes: Uint8Array;
}

/**
 * The tensor's numbers as float32. bfloat16 and float16 values are exact in it.
 * For F32 the result looks at the same memory; nothing is copied.
 */
export function toFloat32({ dtype, bytes }: Pick<StoredTensor, 'dtype' | 'bytes'>): Float32Array {
  if (dtype === 'F32') {
    const { buffer, byteOffset } = aligned(bytes);
    return new Float32Array(buffer, byteOffset, bytes.byteLength / 4);
  }
  const bits = toUint16(bytes);
  return dtype === 'BF16' ? widenBfloat16(bits) : widenHalf(bits);
}

/** The 16-bit patterns of a BF16 or F16 tensor, without a copy. */
export function toUint16(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset } = aligned(bytes);
  return new Uint16Array(buffer, byteOffset, bytes.byteLength / 2);
}

/** bfloat16 is float32's upper half. */
function widenBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

function widenHalf(bits: Uint16Array): Float32Array {
  halfTable ??= buildHalfTable();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halfTable[bits[i]!]!;
  return values;
}

/** float32 → bfloat16 bit patterns, rounded to nearest with ties to even, as PyTorch does; any NaN becomes 0x7fc0. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000;
    result[i] = isNotANumber ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return result;
}

const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());

/** All 65536 half-precision values: a look-up is many times faster than taking each number apart. */
let halfTable: Float32Array | undefined;

function buildHalfTable(): Float32Array {
  return Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = (bits & 0x3ff) / 1024;
    if (exponent === 0) return sign * fraction * 2 ** -14;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction) * 2 ** (exponent - 15);
  });
}
