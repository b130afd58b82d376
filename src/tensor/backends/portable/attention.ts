import type { AttentionScores, AttentionView, DecodeAttentionArgs, KeyValue, Rotary } from '../../kernels.js';
import { MASKED } from '../../masked.js';
import {
  add,
  cast,
  concat,
  matmul,
  maximum,
  mul,
  reshape,
  scale,
  slice,
  softmax,
  sub,
  sumLast,
  upload,
} from '../../ops.js';
import { dispose, type Tensor } from '../../tensor.js';
import { fromHeads, toHeads } from './heads.js';
import { typeOf, wide } from './wide.js';

/** Scores in float32 with what is not seen pushed far down; both as `[B · KV, n, ·]`. */
function withMask({ onPrompt, onOwn }: AttentionScores, view: AttentionView): { onPrompt?: Tensor; onOwn: Tensor } {
  const { n, causal } = view;
  const K = onOwn.shape[2]!;
  const count = onOwn.size / K;
  let own = reshape(wide(onOwn), [count / n, n, K]);
  if (causal) {
    // max(key − last visible key, 0) · MASKED
    const keys = upload(
      new Float32Array(K).map((_, key) => key),
      [1, 1, K],
    );
    const beyond = sub(keys, upload(lastKeys(view), [count / n, n, 1]));
    own = add(own, scale(maximum(beyond, upload(Float32Array.of(0), [1, 1, 1])), MASKED));
  }
  if (onPrompt === undefined) return { onOwn: own };
  const P = onPrompt.shape[2]!;
  const prompt = wide(onPrompt);
  if (view.promptLengths.every((length) => length === P)) return { onPrompt: prompt, onOwn: own };
  return { onPrompt: add(prompt, paddingMask(view, P)), onOwn: own };
}

/** The last key of its own that each query row sees: `[B · KV · n]` */
function lastKeys({ n, KV, R, C, starts }: AttentionView): Float32Array {
  const last = new Float32Array(starts.length * KV * n);
  for (const [b, start] of starts.entries())
    for (let head = b * KV; head < (b + 1) * KV; head++)
      for (let i = 0; i < n; i++) last[head * n + i] = start + (Math.floor(i / R) % C);
  return last;
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
  const { onPrompt, onOwn } = withMask(scores, view);
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

export function attentionWeights(scores: AttentionScores, view: AttentionView): AttentionScores {
  const { weights, parts } = jointWeights(scores, view);
  return parts(weights);
}

export function attentionWeightsGradient(scores: AttentionScores, d: AttentionScores, view: AttentionView) {
  const { weights, parts, join } = jointWeights(scores, view);
  const dWeights = join(d);
  const delta = sumLast(mul(weights, dWeights));
  return { weights: parts(weights), dScores: parts(mul(weights, sub(dWeights, delta))) };
}

export function decodeAttention(args: DecodeAttentionArgs): { y: Tensor; own: KeyValue } {
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
