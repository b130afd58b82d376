import type {
  AttentionScores,
  AttentionView,
  DecodeAttentionArgs,
  DrawArgs,
  FromHeadsArgs,
  HeadsPart,
  HeadsSegment,
  Kernels,
  KeyValue,
  NormArgs,
  Normed,
  NormGradient,
  NormGradientArgs,
  Rotary,
  ToHeadsArgs,
} from './kernels.js';
import {
  add,
  cast,
  concat,
  crossEntropy,
  matmul,
  maximum,
  meanLast,
  mul,
  reshape,
  rows,
  rsqrt,
  sampleRows,
  scale,
  shift,
  sigmoid,
  slice,
  softmax,
  square,
  sub,
  sumFirst,
  sumLast,
  swapHalves,
  transpose,
  upload,
} from './ops.js';
import { dispose, scope, type Tensor } from './tensor.js';

/** Added to the scores of keys that a query must not see; finite, so that no row becomes NaN. */
const MASKED = -1e30;

const QUICK = 1.702;

const wide = (x: Tensor): Tensor => cast(x, 'float32');
const typeOf = (x: Tensor): 'float32' | 'bfloat16' => (x.dtype === 'bfloat16' ? 'bfloat16' : 'float32');
const column = (x: Tensor, start: number, count: number): Tensor => slice(x, [0, start], [x.shape[0]!, count]);

function norm({ x, delta, bias, weight, shift: offset, epsilon, type }: NormArgs): Normed {
  const sum = delta === undefined ? x : addWide({ x, delta, bias });
  const mean = offset === undefined ? undefined : meanLast(sum);
  const centered = mean === undefined ? sum : sub(sum, mean);
  const rstd = rsqrt(shift(meanLast(square(centered)), epsilon));
  const y = mul(mul(centered, rstd), weight);
  const stats = concat([mean ?? scale(rstd, 0), rstd], 1);
  return { sum, y: cast(offset === undefined ? y : add(y, offset), type), stats };
}

/** dx = rstd · (g − mean(g) − x̂ · mean(g x̂)) with g = dy · w; without mean(g) where rows are not centred. */
function normGradient(args: NormGradientArgs): NormGradient {
  const { dys, sum, stats, weight, centered, residual, wantsWeight } = args;
  const dy = dys.map(wide).reduce(add);
  const rstd = column(stats, 1, 1);
  const normalized = mul(sub(sum, column(stats, 0, 1)), rstd);
  const g = mul(dy, weight);
  const along = sub(g, mul(normalized, meanLast(mul(g, normalized))));
  const inner = mul(centered ? sub(along, meanLast(g)) : along, rstd);
  const dx = residual === undefined ? inner : add(inner, residual);
  return {
    dx,
    dxCast: cast(dx, typeOf(dys[0]!)),
    dWeight: wantsWeight ? sumFirst(mul(dy, normalized)) : undefined,
    dShift: wantsWeight && centered ? sumFirst(dy) : undefined,
  };
}

function swigluGradient({ gate, up, d }: { gate: Tensor; up: Tensor; d: Tensor }) {
  const [g, u, dy, type] = [wide(gate), wide(up), wide(d), typeOf(gate)];
  const s = sigmoid(g);
  const silu = mul(g, s);
  // silu′(g) = σ(g) + silu(g) · (1 − σ(g))
  const slope = add(s, mul(silu, shift(scale(s, -1), 1)));
  return {
    dGate: cast(mul(mul(dy, u), slope), type),
    dUp: cast(mul(dy, silu), type),
    y: cast(mul(silu, u), type),
  };
}

function quickGeluGradient({ x, bias, d }: { x: Tensor; bias: Tensor; d: Tensor }) {
  const z = add(wide(x), bias);
  const s = sigmoid(scale(z, QUICK));
  const y = mul(z, s);
  // σ + 1.702 z σ (1 − σ)
  const slope = add(s, mul(scale(y, QUICK), shift(scale(s, -1), 1)));
  return { dx: cast(mul(wide(d), slope), typeOf(x)), y: cast(y, typeOf(x)) };
}

function addWide({ x, delta, bias }: { x?: Tensor; delta: Tensor; bias?: Tensor }): Tensor {
  const own = bias === undefined ? wide(delta) : add(wide(delta), bias);
  return x === undefined ? own : add(x, own);
}

/** Heads `[n, heads, D]`, rotated by the rows' angles; `back` by the opposite ones. */
function rotate(heads: Tensor, { cos, sin }: Rotary, back: boolean): Tensor {
  const [n, D] = cos.shape as [number, number];
  const table = (x: Tensor) => reshape(x, [n, 1, D]);
  const across = mul(swapHalves(heads), table(sin));
  const along = mul(heads, table(cos));
  return back ? sub(along, across) : add(along, across);
}

function toHeads({ x, start, column: from, B, tokens, KV, R, D, bias, rotary, scale: factor }: ToHeadsArgs): Tensor {
  const [count, width] = [B * tokens, KV * R * D];
  let y = wide(column(rows(x, start, count), from, width));
  if (bias !== undefined) y = add(y, slice(bias, [from], [width]));
  if (rotary !== undefined) {
    const table = { cos: rows(rotary.cos, start, count), sin: rows(rotary.sin, start, count) };
    y = rotate(reshape(y, [count, KV * R, D]), table, false);
  }
  const split = reshape(cast(scale(y, factor), typeOf(x)), [B, tokens, KV, R * D]);
  return reshape(transpose(split, [0, 2, 1, 3]), [B * KV, tokens * R, D]);
}

function fromHeads(args: FromHeadsArgs): Tensor {
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

/** Scores in float32 with what is not seen pushed far down; both as `[B · KV, n, ·]`. */
function masked({ onPrompt, onOwn }: AttentionScores, view: AttentionView): { onPrompt?: Tensor; onOwn: Tensor } {
  const { n, KV, R, C, causal, starts } = view;
  const K = onOwn.shape[2]!;
  const count = onOwn.size / K;
  let own = reshape(wide(onOwn), [count / n, n, K]);
  if (causal) {
    // max(key − last visible key, 0) · MASKED
    const last = starts.flatMap((start) =>
      Array<number[]>(KV)
        .fill(Array.from({ length: n }, (_, i) => start + (Math.floor(i / R) % C)))
        .flat(),
    );
    const beyond = sub(
      upload(
        Float32Array.from({ length: K }, (_, key) => key),
        [1, 1, K],
      ),
      upload(Float32Array.from(last), [count / n, n, 1]),
    );
    own = add(own, scale(maximum(beyond, upload(Float32Array.of(0), [1, 1, 1])), MASKED));
  }
  if (onPrompt === undefined) return { onOwn: own };
  const P = onPrompt.shape[2]!;
  const prompt = wide(onPrompt);
  if (view.promptLengths.every((length) => length === P)) return { onPrompt: prompt, onOwn: own };
  return { onPrompt: add(prompt, paddingMask(view, P)), onOwn: own };
}

/** `[B · KV, 1, P]` */
function paddingMask({ promptLengths, KV }: AttentionView, P: number): Tensor {
  const mask = new Float32Array(promptLengths.length * KV * P);
  for (const [b, length] of promptLengths.entries())
    for (let head = b * KV; head < (b + 1) * KV; head++) mask.fill(MASKED, head * P + length, (head + 1) * P);
  return upload(mask, [promptLengths.length * KV, 1, P]);
}

/** The weights as float32 `[B · KV, n, P + K]`, and how to take such a matrix apart again, in the scores' type. */
function jointWeights(scores: AttentionScores, view: AttentionView) {
  const { onPrompt, onOwn } = masked(scores, view);
  const [heads, n, K] = onOwn.shape as [number, number, number];
  const P = onPrompt?.shape[2] ?? 0;
  const type = typeOf(scores.onOwn);
  const parts = (x: Tensor): AttentionScores => ({
    onPrompt: P === 0 ? undefined : cast(slice(x, [0, 0, 0], [heads, n, P]), type),
    onOwn: reshape(cast(slice(x, [0, 0, P], [heads, n, K]), type), scores.onOwn.shape),
  });
  const join = (x: AttentionScores): Tensor => {
    const own = reshape(wide(x.onOwn), [heads, n, K]);
    return x.onPrompt === undefined ? own : concat([wide(x.onPrompt), own], 2);
  };
  return { weights: softmax(join({ onPrompt, onOwn })), parts, join };
}

function attentionWeightsGradient(scores: AttentionScores, d: AttentionScores, view: AttentionView) {
  const { weights, parts, join } = jointWeights(scores, view);
  const dWeights = join(d);
  const delta = sumLast(mul(weights, dWeights));
  return { weights: parts(weights), dScores: parts(mul(weights, sub(dWeights, delta))) };
}

function decodeAttention(args: DecodeAttentionArgs): { y: Tensor; own: KeyValue } {
  const { q, k, v, biases, rotary, prompt, promptLengths, own: before, KV, R, G } = args;
  const B = promptLengths.length;
  const D = v.shape[1]! / KV;
  const place = { start: 0, column: 0, B, tokens: G, KV, D };
  const entry = (x: Tensor, bias: Tensor | undefined, turned: Rotary | undefined) =>
    reshape(toHeads({ ...place, x, R: 1, bias, rotary: turned, scale: 1 }), [B * KV * G, 1, D]);
  const append = (old: Tensor | undefined, entered: Tensor) =>
    old === undefined ? entered : concat([old, entered], 1);
  const own = {
    k: append(before?.k, entry(k, biases.k, rotary)),
    v: append(before?.v, entry(v, biases.v, undefined)),
  };
  const queries = toHeads({ ...place, x: q, R, bias: biases.q, rotary, scale: args.scale });
  const ownQueries = reshape(queries, [B * KV * G, R, D]);
  const scores = { onPrompt: matmul(queries, prompt.kt), onOwn: matmul(ownQueries, own.k, { transposeB: true }) };
  const view = { n: G * R, KV, R, C: G, causal: false, starts: [], promptLengths };
  const { weights, parts } = jointWeights(scores, view);
  const { onPrompt, onOwn } = parts(weights);
  const y = add(wide(matmul(onPrompt!, prompt.v)), reshape(wide(matmul(onOwn, own.v)), queries.shape));
  const segments = [{ B, tokens: G, parts: [{ x: y, offset: 0, column: 0, KV, R }] }];
  const joined = fromHeads({ segments, width: KV * R * D, D, rotatedColumns: 0, scaledColumns: 0, scale: 1 });
  if (before !== undefined) dispose(before);
  return { y: cast(joined, typeOf(q)), own };
}

function draw({ logits, uniforms, scale: factor, forbidden }: DrawArgs): { tokens: Tensor; logprobs: Tensor } {
  const [M, V] = logits.shape as [number, number];
  const z = scale(logits, factor);
  const bias = new Float32Array(V);
  for (const id of forbidden) bias[id] = MASKED;
  const allowed = forbidden.length === 0 ? z : add(z, upload(bias, [1, V]));
  const tokens = sampleRows(softmax(allowed), upload(uniforms, [M, 1]));
  return { tokens, logprobs: scale(crossEntropy(z, tokens).loss, -1) };
}

/** Every kernel as a composition of a backend's operations. */
export const portableKernels: Kernels = {
  norm: (args) => scope(() => norm(args)),
  normGradient: (args) => scope(() => normGradient(args)),
  swiglu: (gate, up) =>
    scope(() => {
      const g = wide(gate);
      return cast(mul(mul(g, sigmoid(g)), wide(up)), typeOf(gate));
    }),
  swigluGradient: (args) => scope(() => swigluGradient(args)),
  quickGelu: (x, bias) =>
    scope(() => {
      const z = add(wide(x), bias);
      return cast(mul(z, sigmoid(scale(z, QUICK))), typeOf(x));
    }),
  quickGeluGradient: (args) => scope(() => quickGeluGradient(args)),
  add: (args) => scope(() => addWide(args)),
  columnSum: (x) => scope(() => sumFirst(wide(x))),
  squaredNorm: (x) =>
    scope(() => {
      const flat = reshape(wide(x), [1, x.size]);
      return reshape(matmul(flat, flat, { transposeB: true }), [1]);
    }),
  toHeads: (args) => scope(() => toHeads(args)),
  fromHeads: (args) => scope(() => fromHeads(args)),
  attentionWeights: (scores, view) =>
    scope(() => {
      const { weights, parts } = jointWeights(scores, view);
      return parts(weights);
    }),
  attentionWeightsGradient: (scores, d, view) => scope(() => attentionWeightsGradient(scores, d, view)),
  attention: () => null,
  attentionGradient: () => null,
  decodeAttention: (args) => scope(() => decodeAttention(args)),
  decodeLayer: null,
  fewRows: 0,
  draw: (args) => scope(() => draw(args)),
};
