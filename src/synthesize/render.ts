/** Draws a planned clip: background, passers-by, the event, camera noise, and the recorder's clock on top. */
import { normal, randomBits, uniform } from '../system/random.js';
import { drawBox, drawCar, drawCounter, drawPerson } from './actors.js';
import { type Canvas, type Color, fill, GRID, shade } from './canvas.js';
import { DRAW_EVENT } from './events.js';
import type { ClipPlan } from './plan.js';

/** Frames a second of every synthetic clip. */
export const CLIP_FPS = 4;

/** Mean colour of the background: near the mean that CLIP-style processors subtract, as real scenes are. */
const STREET: Color = [122, 117, 104];
const COATS: readonly Color[] = [
  [120, 70, 130],
  [150, 100, 130],
  [95, 80, 70],
  [80, 84, 100],
];
const PAINTS: readonly Color[] = [
  [90, 110, 160],
  [195, 195, 195],
  [130, 132, 138],
];
const CLAY: Color = [150, 98, 78];
const GREEN_BAG: Color = [40, 130, 70];

/** Keys of the draws of a scene: one a thing, so that adding a thing leaves the others as they were. */
const DRAW = { light: 1, walls: 2, walker: 3, car: 4, bag: 5, cone: 6, event: 7, noise: 8, flicker: 9 } as const;

/** Noise of a camera sensor: a table of Gaussian values, read from a random place for each frame. */
const NOISE_LEVEL = 4;
const NOISE = Int8Array.from({ length: 1 << 15 }, (_, i) => Math.round(NOISE_LEVEL * normal(0x401e, i)));

function drawBackground(canvas: Canvas, key: number): void {
  const light = 8 * normal(key, DRAW.light, 0);
  const tone = STREET.map((value, c) => value + light + 6 * normal(key, DRAW.light, 1 + c)) as unknown as Color;
  const slope = 16 * (uniform(key, DRAW.light, 4) - 0.5);
  const horizon = 34 + 10 * uniform(key, DRAW.light, 5);
  for (let y = 0; y < GRID; y++) {
    const ground = y >= horizon ? -10 : 4;
    fill(canvas, { x: 0, y, width: GRID, height: 1 }, shade(tone, slope * (y / GRID - 0.5) + ground));
  }
  const walls = 1 + Math.floor(3 * uniform(key, DRAW.walls, 0));
  for (let i = 0; i < walls; i++) {
    const [x, width, height] = [1, 2, 3].map((draw) => uniform(key, DRAW.walls, i, draw)) as [number, number, number];
    const box = { x: x * GRID - 10, y: horizon - 8 - 16 * height, width: 12 + 16 * width, height: 8 + 16 * height };
    fill(canvas, box, shade(tone, 24 * (uniform(key, DRAW.walls, i, 4) - 0.5)));
  }
}

/** Things that are in any clip, whatever its class, and mean nothing. */
function drawPassersBy(canvas: Canvas, key: number, t: number): void {
  const draw = (thing: number, what: number) => uniform(key, thing, what);
  const across = (thing: number, speed: number) => {
    const direction = draw(thing, 2) < 0.5 ? 1 : -1;
    return draw(thing, 3) * GRID + direction * speed * (0.5 + draw(thing, 4)) * (t - 3);
  };
  const place = (thing: number, x: number, far: number, near: number) => ({
    x,
    ground: far + (near - far) * draw(thing, 5),
    scale: 0.8 + 0.4 * draw(thing, 6),
  });
  if (draw(DRAW.bag, 1) < 0.5)
    drawBox(canvas, place(DRAW.bag, draw(DRAW.bag, 3) * GRID, 62, 80), { width: 12, height: 9 }, GREEN_BAG);
  if (draw(DRAW.cone, 1) < 0.3)
    drawBox(canvas, place(DRAW.cone, draw(DRAW.cone, 3) * GRID, 60, 80), { width: 6, height: 10 }, CLAY);
  if (draw(DRAW.car, 1) < 0.5)
    drawCar(
      canvas,
      place(DRAW.car, across(DRAW.car, 14), 52, 64),
      PAINTS[Math.floor(draw(DRAW.car, 7) * PAINTS.length)]!,
    );
  if (draw(DRAW.walker, 1) < 0.75)
    drawPerson(
      canvas,
      place(DRAW.walker, across(DRAW.walker, 8), 58, 78),
      COATS[Math.floor(draw(DRAW.walker, 7) * COATS.length)]!,
    );
}

function drawEvent(
  canvas: Canvas,
  { key, class: { name }, slot: [start, end] }: ClipPlan,
  t: number,
  frame: number,
): void {
  const draw = (what: number) => uniform(key, DRAW.event, what);
  const place = { x: 18 + 48 * draw(1), ground: 66 + 16 * draw(2), scale: 1.2 + 0.4 * draw(3) };
  const flicker = uniform(key, DRAW.flicker, frame);
  DRAW_EVENT[name]?.(canvas, { t, start, end, place, tint: 24 * (draw(4) - 0.5), flicker });
}

function addNoise({ data }: Canvas, key: number): void {
  const mask = NOISE.length - 1;
  let at = key & mask;
  for (let i = 0; i < data.length; i++) {
    // A new place every so often, lest the same noise stand in rows below each other.
    if ((i & 1023) === 0) at = (Math.imul(at + i, 0x9e3779b1) ^ key) >>> 3;
    const value = data[i]! + NOISE[at++ & mask]!;
    data[i] = Math.max(0, Math.min(255, value));
  }
}

/** The frames of a clip, `[seconds · CLIP_FPS, size, size, 3]`, RGB; frame i is shown at i / CLIP_FPS seconds. */
export function renderClip(plan: ClipPlan): Uint8Array {
  const { key, size, seconds } = plan;
  const bytes = size * size * 3;
  const background: Canvas = { data: new Uint8Array(bytes), size };
  drawBackground(background, key);
  const frames = new Uint8Array(seconds * CLIP_FPS * bytes);
  for (let i = 0; i < seconds * CLIP_FPS; i++) {
    const t = i / CLIP_FPS;
    const canvas: Canvas = { data: frames.subarray(i * bytes, (i + 1) * bytes), size };
    canvas.data.set(background.data);
    drawPassersBy(canvas, key, t);
    drawEvent(canvas, plan, t, i);
    addNoise(canvas, randomBits(key, DRAW.noise, i));
    drawCounter(canvas, t);
  }
  return frames;
}
