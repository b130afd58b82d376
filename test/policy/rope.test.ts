import { beforeAll, describe, expect, it } from 'vitest';
import { inverseFrequencies, textRotary, visionRotary } from '../../src/policy/rope.js';
import { activeBackend } from '../../src/tensor/active.js';
import type { Rotary } from '../../src/tensor/kernels.js';
import { downloadFloats, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope, type Tensor } from '../../src/tensor/tensor.js';
import { random, toDevice } from '../tensor/plain.js';
import { expectGradients, type Inputs } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [N, HEADS, D] = [4, 3, 12];

/** Each pair (x_i, x_{i + D/2}) of a head, turned by `angle(token, i)` as a complex number. */
const turned = (x: Float64Array, angle: (token: number, i: number) => number): Float64Array =>
  x.map((value, place) => {
    const i = place % D;
    const a = angle(Math.floor(place / (HEADS * D)), i % (D / 2));
    const other = x[i < D / 2 ? place + D / 2 : place - D / 2]!;
    return value * Math.cos(a) + (i < D / 2 ? -other : other) * Math.sin(a);
  });

const onDevice = ({ cos, sin }: { cos: Float32Array; sin: Float32Array }): Rotary => ({
  cos: upload(cos, [cos.length / D, D]),
  sin: upload(sin, [sin.length / D, D]),
});

/** Rows `[N, HEADS · D]` turned and by token again, or turned back. */
const place = { D, scale: 1 };
const untouched = { ...place, rotatedColumns: 0, scaledColumns: 0, width: HEADS * D };
const byHead = (x: Tensor, rotary?: Rotary) =>
  activeBackend().kernels.toHeads({ ...place, x, rotary, start: 0, column: 0, B: 1, tokens: N, KV: HEADS, R: 1 });
const byToken = (x: Tensor) => [{ B: 1, tokens: N, parts: [{ x, offset: 0, column: 0, KV: HEADS, R: 1 }] }];
const rotate = (x: Tensor, rotary: Rotary) =>
  activeBackend().kernels.fromHeads({ ...untouched, segments: byToken(byHead(x, rotary)) });
const rotateBackward = (dy: Tensor, rotary: Rotary) =>
  activeBackend().kernels.fromHeads({
    ...untouched,
    rotary,
    rotatedColumns: HEADS * D,
    segments: byToken(byHead(dy)),
  });

describe.each([
  {
    name: 'decoder: the sections of the frequencies turn with time, height and width',
    table: textRotary({
      positions: Int32Array.from([0, 5, 2, 900, /* height */ 0, 1, 7, 900, /* width */ 3, 0, 4, 900]),
      axes: [0, 0, 1, 2, 2, 2],
      theta: 1e4,
      dimension: D,
    }),
    angle: (token: number, i: number) => {
      const axis = [0, 0, 1, 2, 2, 2][i]!;
      return (
        [
          [0, 5, 2, 900],
          [0, 1, 7, 900],
          [3, 0, 4, 900],
        ][axis]![token]! *
        1e4 ** (-i / 6)
      );
    },
  },
  {
    name: 'vision: the first half of the frequencies turns with the row, the second with the column',
    table: visionRotary({
      rows: Int32Array.of(0, 1, 0, 9),
      columns: Int32Array.of(2, 0, 0, 5),
      theta: 1e4,
      dimension: D,
    }),
    angle: (token: number, i: number) => (i < 3 ? [0, 1, 0, 9] : [2, 0, 0, 5])[token]! * 1e4 ** (-(i % 3) / 3),
  },
])('$name', ({ table, angle }) => {
  it('forward, and backward by numeric gradients', () => {
    const x = random([4, HEADS * D], 1);
    const dy = random([4, HEADS * D], 2);
    const f = (inputs: Inputs) => turned(inputs.x!.data, angle);
    scope(() => {
      const rotary = onDevice(table);
      // Angles are rounded to float32, as transformers rounds them: 900 radians to 3e-5.
      expect(relativeError(downloadFloats(rotate(toDevice(x), rotary)), f({ x }))).toBeLessThan(2e-5);
      const tableAngle = (token: number, i: number) =>
        Math.atan2(table.sin[token * D + i + D / 2]!, table.cos[token * D + i]!);
      const dx = downloadFloats(rotateBackward(toDevice(dy), rotary));
      expectGradients({ f: (inputs) => turned(inputs.x!.data, tableAngle), inputs: { x }, dy, found: { x: dx } });
    });
  });
});

it('frequencies fall from 1 to almost 1 / theta', () => {
  const found = inverseFrequencies({ theta: 1e6, dimension: 128 });
  expect(found).toHaveLength(64);
  expect(found[0]).toBe(1);
  expect(found[32]).toBeCloseTo(1e-3, 8);
  expect(found[63]! / 1e6 ** (-126 / 128)).toBeCloseTo(1, 6);
});
