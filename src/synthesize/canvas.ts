/** A small RGB canvas. Shapes are given on a grid of 84 × 84 and scaled to the canvas, whatever its size. */
export type Color = readonly [number, number, number];

export const GRID = 84;

export interface Canvas {
  /** `[size, size, 3]`, RGB, 0 … 255. */
  data: Uint8Array;
  size: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Fills a rectangle; what lies outside the canvas is cut off. */
export function fill({ data, size }: Canvas, { x, y, width, height }: Box, [r, g, b]: Color): void {
  const scale = size / GRID;
  const clamp = (value: number) => Math.min(size, Math.max(0, Math.round(value * scale)));
  const [left, right, top, bottom] = [clamp(x), clamp(x + width), clamp(y), clamp(y + height)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = (row * size + column) * 3;
      data[at] = r;
      data[at + 1] = g;
      data[at + 2] = b;
    }
  }
}

/** The same colour, `amount` lighter (or darker, if negative), within 0 … 255. */
export function shade([r, g, b]: Color, amount: number): Color {
  const move = (value: number) => Math.min(255, Math.max(0, Math.round(value + amount)));
  return [move(r), move(g), move(b)];
}
