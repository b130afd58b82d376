import type { Size } from './smart-resize.js';

const CHANNELS = 3;
/** Of the bicubic kernel; PIL's and that of torch's antialiased one. */
const A = -0.5;
/** Half of the kernel's width, in pixels of the coarser of the two pictures. */
const REACH = 2;

/** A picture, `[height, width, 3]`, RGB. */
interface Picture extends Size {
  data: Uint8Array;
}

/**
 * Resizes a picture as `torch.nn.functional.interpolate(mode='bicubic', antialias=True)` does with bytes, to the last bit:
 * across, then down, each with weights of 16 bits and a rounding of its own.
 */
export function resample({ data, height, width }: Picture, size: Size): Uint8Array {
  const across = resampleAxis({ data, outer: height, length: width, inner: 1, target: size.width });
  return resampleAxis({ data: across, outer: 1, length: height, inner: size.width, target: size.height });
}

/** Along the middle axis of `[outer, length, inner, 3]`. */
function resampleAxis(args: {
  data: Uint8Array;
  outer: number;
  length: number;
  inner: number;
  target: number;
}): Uint8Array {
  const { data, outer, length, inner, target } = args;
  if (length === target) return data;
  const { taps, shift } = tapsOf(length, target);
  const row = inner * CHANNELS;
  const result = new Uint8Array(outer * target * row);
  const half = 1 << (shift - 1);
  let next = 0;
  for (let o = 0; o < outer; o++)
    for (const { first, weights } of taps) {
      const from = (o * length + first) * row;
      for (let i = 0; i < row; i++) {
        let sum = half;
        for (let j = 0, at = from + i; j < weights.length; j++, at += row) sum += data[at]! * weights[j]!;
        const value = sum >> shift;
        result[next++] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  return result;
}

/** Where each pixel of the target comes from, and the places that its integer weights are shifted by. */
function tapsOf(length: number, target: number): { taps: { first: number; weights: Int32Array }[]; shift: number } {
  const scale = length / target;
  const stretch = Math.max(scale, 1);
  const reach = REACH * stretch;
  const exact = Array.from({ length: target }, (_, i) => {
    const center = scale * (i + 0.5);
    const first = Math.max(Math.trunc(center - reach + 0.5), 0);
    const last = Math.min(Math.trunc(center + reach + 0.5), length);
    const raw = Array.from({ length: last - first }, (_, j) => cubic((j + first - center + 0.5) / stretch));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => weight / total) };
  });
  const largest = exact.reduce((most, { weights }) => Math.max(most, ...weights), 0);
  let shift = 0;
  while (shift < 22 && Math.trunc(0.5 + largest * 2 ** (shift + 1)) < 2 ** 15) shift++;
  const toInteger = (weight: number) => Math.trunc(weight * 2 ** shift + (weight < 0 ? -0.5 : 0.5));
  return { taps: exact.map(({ first, weights }) => ({ first, weights: Int32Array.from(weights, toInteger) })), shift };
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
}
