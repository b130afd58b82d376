/** The things that a scene is made of. `x` is the middle, `ground` the line that a thing stands on (grid units). */
import { type Canvas, type Color, fill, shade } from './canvas.js';

export interface Place {
  x: number;
  ground: number;
  /** 1 is the usual size. */
  scale: number;
}

const SKIN: Color = [214, 176, 150];
const TYRE: Color = [30, 30, 32];

export function drawPerson(canvas: Canvas, { x, ground, scale }: Place, clothes: Color): void {
  const [w, h] = [9 * scale, 20 * scale];
  fill(canvas, { x: x - w / 4, y: ground - h - 5 * scale, width: w / 2, height: 5 * scale }, SKIN);
  fill(canvas, { x: x - w / 2, y: ground - h, width: w, height: h * 0.55 }, clothes);
  fill(canvas, { x: x - w / 3, y: ground - h * 0.45, width: w * 0.66, height: h * 0.45 }, shade(clothes, -25));
}

export function drawCar(canvas: Canvas, { x, ground, scale }: Place, paint: Color): void {
  const [w, h] = [24 * scale, 8 * scale];
  fill(canvas, { x: x - w / 4, y: ground - h - 8 * scale, width: w / 2, height: 5 * scale }, shade(paint, -40));
  fill(canvas, { x: x - w / 2, y: ground - h - 3 * scale, width: w, height: h }, paint);
  for (const side of [-1, 1])
    fill(
      canvas,
      { x: x + side * w * 0.3 - 2 * scale, y: ground - 4 * scale, width: 4 * scale, height: 4 * scale },
      TYRE,
    );
}

/** A box with a darker lid or handle: bag, crate, suitcase, cone. */
export function drawBox(
  canvas: Canvas,
  { x, ground, scale }: Place,
  { width, height }: { width: number; height: number },
  color: Color,
): void {
  const [w, h] = [width * scale, height * scale];
  fill(canvas, { x: x - w / 2, y: ground - h, width: w, height: h }, color);
  fill(canvas, { x: x - w / 2, y: ground - h, width: w, height: Math.max(1, h * 0.12) }, shade(color, -30));
}

/** 3 × 5 digits, a row of three bits each. */
const DIGITS = [0x7b6f, 0x2c97, 0x73e7, 0x73cf, 0x5bc9, 0x79cf, 0x79ef, 0x7252, 0x7bef, 0x7bcf] as const;
const INK: Color = [255, 255, 255];
const PAPER: Color = [0, 0, 0];

/** The recorder's seconds counter, burnt into the top left corner: two digits, whole seconds. */
export function drawCounter(canvas: Canvas, seconds: number): void {
  fill(canvas, { x: 0, y: 0, width: 28, height: 24 }, PAPER);
  const text = String(Math.floor(seconds) % 100).padStart(2, '0');
  for (let i = 0; i < 2; i++) {
    const bits = DIGITS[Number(text[i])]!;
    for (let cell = 0; cell < 15; cell++) {
      if ((bits >> (14 - cell)) & 1)
        fill(canvas, { x: 1 + 14 * i + 4 * (cell % 3), y: 2 + 4 * Math.floor(cell / 3), width: 4, height: 4 }, INK);
    }
  }
}
