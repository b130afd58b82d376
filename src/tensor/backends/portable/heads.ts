import type { FromHeadsArgs, HeadsPart, HeadsSegment, Rotary, ToHeadsArgs } from '../../kernels.js';
import { add, cast, concat, mul, pad, reshape, rows, scale, slice, sub, swapHalves, transpose } from '../../ops.js';
import type { Tensor } from '../../tensor.js';
import { column, typeOf, wide } from './wide.js';

/** Heads `[n, heads, D]`, rotated by the rows' angles; `back` by the opposite ones. */
function rotate(heads: Tensor, { cos, sin }: Rotary, back: boolean): Tensor {
  const [n, D] = cos.shape as [number, number];
  const table = (x: Tensor) => reshape(x, [n, 1, D]);
  const across = mul(swapHalves(heads), table(sin));
  const along = mul(heads, table(cos));
  return back ? sub(along, across) : add(along, across);
}

export function toHeads({
  x,
  start,
  column: from,
  B,
  tokens,
  KV,
  R,
  D,
  bias,
  rotary,
  scale: factor,
}: ToHeadsArgs): Tensor {
  const [count, width] = [B * tokens, KV * R * D];
  let y = wide(column(rows(x, start, count), from, width));
  if (bias !== undefined) y = add(y, bias.size === width ? bias : slice(bias, [from], [width]));
  if (rotary !== undefined) {
    const table = { cos: rows(rotary.cos, start, count), sin: rows(rotary.sin, start, count) };
    y = rotate(reshape(y, [count, KV * R, D]), table, false);
  }
  const split = reshape(cast(scale(y, factor), typeOf(x)), [B, tokens, KV, R * D]);
  return reshape(transpose(split, [0, 2, 1, 3]), [B * KV, tokens * R, D]);
}

export function fromHeads(args: FromHeadsArgs): Tensor {
  const { segments, width, D, rotary, rotatedColumns, scaledColumns, scale: factor } = args;
  const y = concat(
    segments.map((segment) => segmentRows(segment)),
    0,
  );
  const n = y.shape[0]!;
  const turn = (x: Tensor) => reshape(rotate(reshape(x, [n, x.shape[1]! / D, D]), rotary!, true), x.shape);
  const turned = firstColumns(y, rotatedColumns, turn);
  return cast(
    firstColumns(turned, scaledColumns, (x) => scale(x, factor)),
    typeOf(segments[0]!.parts[0]!.x),
  );

  /** `[B · tokens, width]` float32 */
  function segmentRows({ B, tokens, parts }: HeadsSegment): Tensor {
    const columns = [...new Set(parts.map((part) => part.column))].sort((a, b) => a - b);
    const blocks = columns.map((at) => {
      const lanes = lanesOf(parts.filter((part) => part.column === at));
      const sum = lanes.map((lane) => laneRows(lane, B, tokens)).reduce(add);
      return reshape(sum, [B * tokens, sum.shape[2]!]);
    });
    const joined = concat(blocks, 1);
    if (joined.shape[1] !== width) throw new Error(`parts cover ${joined.shape[1]} of ${width} columns`);
    return joined;
  }

  /** Parts one after the other, zero where there is none: `[B, tokens, KV · R · D]` */
  function laneRows(lane: readonly HeadsPart[], B: number, tokens: number): Tensor {
    const pieces = lane.map(({ x, offset, KV, R }, i) => {
      const length = lengthOf({ x, R });
      const byToken = reshape(transpose(reshape(wide(x), [B, KV, length, R * D]), [0, 2, 1, 3]), [
        B,
        length,
        KV * R * D,
      ]);
      const after = i === lane.length - 1 ? tokens - endOf(lane[i]!) : 0;
      return pad(byToken, 1, offset - (i === 0 ? 0 : endOf(lane[i - 1]!)), after);
    });
    return concat(pieces, 1);
  }
}

/** Tokens that a part has rows of. */
const lengthOf = ({ x, R }: Pick<HeadsPart, 'x' | 'R'>): number => x.shape[1]! / R;
const endOf = (part: HeadsPart): number => part.offset + lengthOf(part);

/** Parts that share no token stand in one lane, in the order of their tokens: only lanes have to be added up. */
function lanesOf(parts: readonly HeadsPart[]): HeadsPart[][] {
  const lanes: HeadsPart[][] = [];
  for (const part of parts.toSorted((a, b) => a.offset - b.offset)) {
    const free = lanes.find((lane) => endOf(lane.at(-1)!) <= part.offset);
    if (free === undefined) lanes.push([part]);
    else free.push(part);
  }
  return lanes;
}

/** `f` of the first columns beside the others as they are. */
function firstColumns(x: Tensor, count: number, f: (x: Tensor) => Tensor): Tensor {
  const width = x.shape[1]!;
  if (count === 0) return x;
  if (count === width) return f(x);
  return concat([f(column(x, 0, count)), column(x, count, width - count)], 1);
}
