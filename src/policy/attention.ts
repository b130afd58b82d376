import { add, cast, concat, mul, reshape, rows, slice, softmax, sub, sumLast, transpose } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import type { Geometry, QueryBlock } from './geometry.js';
import { type ComputeType, product } from './product.js';

/**
 * Causal attention over prompts and completions where all completions of a prompt share its keys and values.
 *
 * Heads are laid out so that nothing is repeated: the R query heads of a key-value head are extra query rows, and the
 * G completions of a prompt are one matrix of G · C · R queries against the prompt's keys. Inside this file
 *
 *     prompt queries       [B · KV, P · R, D]        keys, values  [B · KV, P, D]
 *     completion queries   [B · KV, G · C · R, D]    keys, values  [B · KV · G, C, D]
 *
 * and a completion's queries as `[B · KV · G, C · R, D]` are the same memory.
 */

/** Queries (scaled by 1/√D), keys and values by token, after the rotation: `[N, KV · R · D]`, `[N, KV · D]`, `[N, KV · D]`. */
export interface Projected {
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** Keys and values by head. */
export interface KeyValue {
  k: Tensor;
  v: Tensor;
}

/** `[B · T, KV · W]` by token → `[B · KV, T, W]` by head, in the compute type. */
export function toHeads({ x, B, KV, type }: { x: Tensor; B: number; KV: number; type: ComputeType }): Tensor {
  const T = x.shape[0]! / B;
  const W = x.shape[1]! / KV;
  const byHead = transpose(reshape(cast(x, type), [B, T, KV, W]), [0, 2, 1, 3]);
  return reshape(byHead, [B * KV, T, W]);
}

/** `[B · KV, T, W]` by head → `[B · T, KV · W]` by token. */
export function fromHeads({ x, B }: { x: Tensor; B: number }): Tensor {
  const KV = x.shape[0]! / B;
  const [, T, W] = x.shape as [number, number, number];
  return reshape(transpose(reshape(x, [B, KV, T, W]), [0, 2, 1, 3]), [B * T, KV * W]);
}

/** Queries, keys and values of the prompts, or of the completions, by head. */
interface Heads extends KeyValue {
  q: Tensor;
}

function promptHeads({ q, k, v }: Projected, { B, P, KV, R, D }: Geometry, type: ComputeType): Heads {
  const count = B * P;
  return {
    q: reshape(toHeads({ x: rows(q, 0, count), B, KV, type }), [B * KV, P * R, D]),
    k: toHeads({ x: rows(k, 0, count), B, KV, type }),
    v: toHeads({ x: rows(v, 0, count), B, KV, type }),
  };
}

function completionHeads({ q, k, v }: Projected, { B, P, G, C, KV, R, D }: Geometry, type: ComputeType): Heads {
  const start = B * P;
  const count = B * G * C;
  const own = (x: Tensor) => reshape(toHeads({ x: rows(x, start, count), B, KV, type }), [B * KV * G, C, D]);
  return {
    q: reshape(toHeads({ x: rows(q, start, count), B, KV, type }), [B * KV, G * C * R, D]),
    k: own(k),
    v: own(v),
  };
}

/** Rows of a `[heads, tokens, W]` tensor: tokens `start` … `end`. */
const span = (x: Tensor, start: number, end: number): Tensor =>
  start === 0 && end === x.shape[1] ? x : slice(x, [0, start, 0], [x.shape[0]!, end - start, x.shape[2]!]);

const scores = (type: ComputeType, q: Tensor, k: Tensor): Tensor => product(type, q, k, { transposeB: true });

/** Attention weights of a block of queries `[B · KV, rows, D]` over the keys up to its end: `[B · KV, rows, end]`. */
function promptWeights(q: Tensor, k: Tensor, { start, end, mask }: QueryBlock, type: ComputeType): Tensor {
  const own = add(scores(type, q, span(k, start, end)), mask);
  return softmax(start === 0 ? own : concat([scores(type, q, span(k, 0, start)), own], 2));
}

/**
 * Causal self-attention of the prompts, a block of queries at a time.
 *
 * @returns `[B · KV, P · R, D]`
 */
export function attendPrompts({ q, k, v }: Heads, geometry: Geometry, type: ComputeType): Tensor {
  const { R, blocks } = geometry;
  const outputs = blocks.map((block) =>
    scope(() => {
      const p = promptWeights(span(q, block.start * R, block.end * R), k, block, type);
      return product(type, p, span(v, 0, block.end));
    }),
  );
  return concat(outputs, 1);
}

/** What a completion's queries see: their prompt's keys and values, and their own. */
export interface CompletionContext {
  /** `[B · KV, P, D]` */
  prompt: KeyValue;
  /** `[B · KV · G, T, D]` */
  own: KeyValue;
  /** `[B · KV, 1, P]` */
  padding?: Tensor;
  /** `[rows, T]`, for each query row of a completion; absent where it sees all of its own keys. */
  mask?: Tensor;
}

/** Attention weights over the prompt `[B · KV, rows, P]` and over the completion itself `[B · KV, rows, T]`. */
function completionWeights(q: Tensor, context: CompletionContext, type: ComputeType): { prompt: Tensor; own: Tensor } {
  const { prompt, own, padding, mask } = context;
  const [heads, count, D] = q.shape as [number, number, number];
  const [groups, T] = own.k.shape as [number, number, number];
  let onPrompt = scores(type, q, prompt.k);
  if (padding !== undefined) onPrompt = add(onPrompt, padding);
  let onOwn = scores(type, reshape(q, [groups, (heads * count) / groups, D]), own.k);
  if (mask !== undefined) onOwn = add(onOwn, mask);
  const P = prompt.k.shape[1]!;
  const joint = softmax(concat([onPrompt, reshape(onOwn, [heads, count, T])], 2));
  return { prompt: slice(joint, [0, 0, 0], [heads, count, P]), own: slice(joint, [0, 0, P], [heads, count, T]) };
}

/**
 * Attention of completions to their prompt and to themselves.
 *
 * @param q `[B · KV, rows, D]`
 * @returns the same shape
 */
export function attendCompletions(q: Tensor, context: CompletionContext, type: ComputeType): Tensor {
  return scope(() => {
    const { prompt, own } = context;
    const weights = completionWeights(q, context, type);
    const groups = own.v.shape[0]!;
    const ownRows = (q.shape[0]! * q.shape[1]!) / groups;
    const fromOwn = product(type, reshape(weights.own, [groups, ownRows, own.v.shape[1]!]), own.v);
    return add(product(type, weights.prompt, prompt.v), reshape(fromOwn, q.shape));
  });
}

/** Prompts and completions together: `[N, KV · R · D]` by token. Also returns the prompts' keys and values. */
export function attention(
  projected: Projected,
  geometry: Geometry,
  type: ComputeType,
): { y: Tensor; prompt: KeyValue } {
  const { B, P, G, C, KV, R, D, padding, causal } = geometry;
  const prompts = promptHeads(projected, geometry, type);
  const prompt = { k: prompts.k, v: prompts.v };
  const yPrompts = reshape(attendPrompts(prompts, geometry, type), [B * KV, P, R * D]);
  const parts = [fromHeads({ x: yPrompts, B })];
  if (C > 0) {
    const { q, k, v } = completionHeads(projected, geometry, type);
    const y = attendCompletions(q, { prompt, own: { k, v }, padding, mask: causal }, type);
    parts.push(fromHeads({ x: reshape(y, [B * KV, G * C, R * D]), B }));
  }
  return { y: concat(parts, 0), prompt };
}

/**
 * The gradient of `attention`; the weights are computed again, block by block.
 *
 * @param y the output of `attention`
 * @param dy `[N, KV · R · D]`
 */
export function attentionBackward(args: {
  projected: Projected;
  y: Tensor;
  dy: Tensor;
  geometry: Geometry;
  type: ComputeType;
}): Projected {
  const { projected, geometry, type } = args;
  const { B, P, G, C, KV, R, D } = geometry;
  const prompts = promptHeads(projected, geometry, type);
  const count = B * P;
  const prompt = promptsBackward({
    heads: prompts,
    y: queriesByHead(rows(args.y, 0, count), geometry),
    dy: queriesByHead(rows(args.dy, 0, count), geometry),
    geometry,
    type,
  });
  const byToken = (x: Tensor, shape: number[]) => fromHeads({ x: reshape(x, shape), B });
  const promptShapes = { q: [B * KV, P, R * D], kv: [B * KV, P, D] };
  if (C === 0) {
    return {
      q: byToken(prompt.q, promptShapes.q),
      k: byToken(prompt.k, promptShapes.kv),
      v: byToken(prompt.v, promptShapes.kv),
    };
  }
  const own = completionsBackward({
    heads: completionHeads(projected, geometry, type),
    prompt: prompts,
    y: queriesByHead(rows(args.y, count, B * G * C), geometry),
    dy: queriesByHead(rows(args.dy, count, B * G * C), geometry),
    geometry,
    type,
  });
  const completionShapes = { q: [B * KV, G * C, R * D], kv: [B * KV, G * C, D] };
  return {
    q: concat([byToken(prompt.q, promptShapes.q), byToken(own.q, completionShapes.q)], 0),
    k: concat([byToken(add(prompt.k, own.promptK), promptShapes.kv), byToken(own.k, completionShapes.kv)], 0),
    v: concat([byToken(add(prompt.v, own.promptV), promptShapes.kv), byToken(own.v, completionShapes.kv)], 0),
  };
}

/** `[B · T, KV · R · D]` → `[B · KV, T · R, D]`, float32. */
function queriesByHead(x: Tensor, { B, KV, R, D }: Geometry): Tensor {
  const heads = toHeads({ x, B, KV, type: 'float32' });
  return reshape(heads, [B * KV, heads.shape[1]! * R, D]);
}

/** dS = p ∘ (dp − Σ dy ∘ y), the gradient of a softmax whose output p weighs values into y. */
const scoreGradient = (p: Tensor, dp: Tensor, delta: Tensor): Tensor => mul(p, sub(dp, delta));

function promptsBackward(args: { heads: Heads; y: Tensor; dy: Tensor; geometry: Geometry; type: ComputeType }): Heads {
  const { heads, y, dy, geometry, type } = args;
  const { R, blocks } = geometry;
  const { q, k, v } = heads;
  const dq: Tensor[] = [];
  let dk: Tensor | null = null;
  let dv: Tensor | null = null;
  for (const block of blocks) {
    const { start, end } = block;
    const gradient = scope(() => {
      const qb = span(q, start * R, end * R);
      const kb = span(k, 0, end);
      const dyb = span(dy, start * R, end * R);
      const p = promptWeights(qb, k, block, type);
      const delta = sumLast(mul(dyb, span(y, start * R, end * R)));
      const ds = scoreGradient(p, scores(type, dyb, span(v, 0, end)), delta);
      return {
        q: product(type, ds, kb),
        k: product(type, ds, qb, { transposeA: true }),
        v: product(type, p, dyb, { transposeA: true }),
      };
    });
    dq.push(gradient.q);
    dk = addGrowing(dk, gradient.k);
    dv = addGrowing(dv, gradient.v);
  }
  return { q: concat(dq, 1), k: dk!, v: dv! };
}

/** sum `[heads, T, D]` + x `[heads, T′, D]` with T′ ≥ T: later blocks of queries see more keys. */
function addGrowing(sum: Tensor | null, x: Tensor): Tensor {
  if (sum === null) return x;
  const [T, all] = [sum.shape[1]!, x.shape[1]!];
  return concat([add(sum, span(x, 0, T)), span(x, T, all)], 1);
}

function completionsBackward(args: {
  heads: Heads;
  prompt: KeyValue;
  y: Tensor;
  dy: Tensor;
  geometry: Geometry;
  type: ComputeType;
}): Heads & { promptK: Tensor; promptV: Tensor } {
  const { heads, prompt, y, dy, geometry, type } = args;
  const { padding, causal } = geometry;
  const { q, k, v } = heads;
  return scope(() => {
    const weights = completionWeights(q, { prompt, own: { k, v }, padding, mask: causal }, type);
    const delta = sumLast(mul(dy, y));
    const groups = k.shape[0]!;
    const own = (x: Tensor) => reshape(x, [groups, x.size / groups / x.shape[2]!, x.shape[2]!]);
    const dyOwn = own(dy);
    const dsPrompt = scoreGradient(weights.prompt, scores(type, dy, prompt.v), delta);
    const dsOwn = scoreGradient(own(weights.own), scores(type, dyOwn, v), own(delta));
    return {
      q: add(product(type, dsPrompt, prompt.k), reshape(product(type, dsOwn, k), q.shape)),
      k: product(type, dsOwn, own(q), { transposeA: true }),
      v: product(type, own(weights.own), dyOwn, { transposeA: true }),
      promptK: product(type, dsPrompt, q, { transposeA: true }),
      promptV: product(type, weights.prompt, dy, { transposeA: true }),
    };
  });
}
