import type { FromHeadsArgs, HeadsPart, HeadsSegment, Rotary, ToHeadsArgs } from '../../kernels.js';
import { add, cast, concat, mul, reshape, rows, scale, slice, sub, swapHalves, transpose, upload } from '../../ops.js';
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
      const here = parts.filter((part) => part.column === at).map((part) => partRows(part, B, tokens));
      return here.reduce(add);
    });
    const joined = concat(blocks, 1);
    if (joined.shape[1] !== width) throw new Error(`parts cover ${joined.shape[1]} of ${width} columns`);
    return joined;
  }

  /** One part as rows of all its tokens, zero where it has none. */
  function partRows({ x, offset, KV, R }: HeadsPart, B: number, tokens: number): Tensor {
    const length = x.shape[1]! / R;
    const byToken = transpose(reshape(wide(x), [B, KV, length, R * D]), [0, 2, 1, 3]);
    const zeros = (count: number) =>
      count === 0 ? [] : [upload(new Float32Array(B * count * KV * R * D), [B, count, KV, R * D])];
    return reshape(concat([...zeros(offset), byToken, ...zeros(tokens - offset - length)], 1), [
      B * tokens,
      KV * R * D,
    ]);
  }
}

/** `f` of the first columns beside the others as they are. */
function firstColumns(x: Tensor, count: number, f: (x: Tensor) => Tensor): Tensor {
  const width = x.shape[1]!;
  if (count === 0) return x;
  if (count === width) return f(x);
  return concat([f(column(x, 0, count)), column(x, count, width - count)], 1);
}
