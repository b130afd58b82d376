import { describe, expect, it } from 'vitest';
import { toBfloat16, toFloat32, toUint16 } from '../../src/model-folder/dtypes.js';

const bytesOf = (array: Uint16Array | Float32Array) => new Uint8Array(array.buffer);
const bitsOf = (...numbers: number[]) => [...new Uint32Array(Float32Array.from(numbers).buffer)];
const fromBits = (...bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);

describe('bfloat16', () => {
  it('rounds to nearest, ties to even', () => {
    const cases = [
      [0x3f800000, 0x3f80], // exact
      [0x3f808000, 0x3f80], // tie, even below
      [0x3f818000, 0x3f82], // tie, even above
      [0x3f808001, 0x3f81],
      [0x3f807fff, 0x3f80],
      [0xbf818000, 0xbf82],
      [0x7f7fffff, 0x7f80], // the largest float32 becomes infinity
      [0x00000001, 0x0000],
      [0x80000000, 0x8000],
    ];
    expect([...toBfloat16(fromBits(...cases.map(([bits]) => bits!)))]).toEqual(cases.map(([, half]) => half));
  });

  it('keeps NaN a NaN, also where rounding would carry it into infinity or zero', () => {
    expect([...toBfloat16(fromBits(0x7f800001, 0x7fffffff, 0xffffffff))]).toEqual([0x7fc0, 0x7fc0, 0x7fc0]);
  });

  it('comes back unchanged from float32, all 65536 patterns but the NaNs', () => {
    const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 0x7fff) <= 0x7f80);
    expect(toBfloat16(toFloat32({ dtype: 'BF16', bytes: bytesOf(all) }))).toEqual(all);
  });
});

it('reads float16 by its definition', () => {
  const halves = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x3555);
  const expected = [0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, 0.333251953125];
  expect([...toFloat32({ dtype: 'F16', bytes: bytesOf(halves) })]).toEqual(expected);
  expect(toFloat32({ dtype: 'F16', bytes: bytesOf(Uint16Array.of(0x7e00)) })[0]).toBeNaN();
});

it('reads float32 without a copy, and from any place in a buffer', () => {
  const bytes = bytesOf(Float32Array.of(1.5, -2));
  expect(toFloat32({ dtype: 'F32', bytes }).buffer).toBe(bytes.buffer);
  const shifted = new Uint8Array([9, ...bytes]).subarray(1);
  expect([...toFloat32({ dtype: 'F32', bytes: shifted })]).toEqual([1.5, -2]);
  expect([...toUint16(shifted)]).toEqual([...toUint16(bytes)]);
  expect(bitsOf(1.5)).toEqual([0x3fc00000]);
});
