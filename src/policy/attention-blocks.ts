import type { AttentionArgs, AttentionScores, AttentionView } from '../tensor/kernels.js';
import { matmul, reshape, slice } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Geometry, QueryBlock, Span } from './geometry.js';
import type { Heads } from './heads.js';

/** Rows of a `[heads, rows, W]` tensor: `start` … `end`. */
export const span = (x: Tensor, start: number, end: number): Tensor =>
  start === 0 && end === x.shape[1] ? x : slice(x, [0, start, 0], [x.shape[0]!, end - start, x.shape[2]!]);

export const scores = (q: Tensor, k: Tensor): Tensor => matmul(q, k, { transposeB: true });

export const promptView = ({ R, KV, promptLengths }: Geometry, { start, end, starts }: QueryBlock): AttentionView => ({
  n: (end - start) * R,
  KV,
  R,
  C: end - start,
  causal: true,
  starts,
  promptLengths,
});

/** Some completions, which see their prompt and themselves. */
export const completionView = ({ R, KV, C, promptLengths }: Geometry, { start, end }: Span): AttentionView => ({
  n: (end - start) * C * R,
  KV,
  R,
  C,
  causal: true,
  starts: promptLengths.map(() => 0),
  promptLengths,
});

/** One `[B · KV, ·, D]` matrix of some completions as `[B · KV · completions, ·, D]`. */
export const perCompletion = (x: Tensor, count: number): Tensor =>
  reshape(x, [x.shape[0]! * count, x.shape[1]! / count, x.shape[2]!]);

/** The queries, keys and values of some completions. */
export function someHeads({ q, k, v }: Heads, { C, R }: Geometry, { start, end }: Span): Heads {
  return {
    q: span(q, start * C * R, end * C * R),
    k: span(k, start * C, end * C),
    v: span(v, start * C, end * C),
  };
}

export function completionScores(a: Tensor, promptB: Tensor, ownB: Tensor, count: number): AttentionScores {
  return { onPrompt: scores(a, promptB), onOwn: scores(perCompletion(a, count), perCompletion(ownB, count)) };
}

/** Prompts as sequences that have nothing before them. */
export function wholePrompts({ q, k, v }: Heads, geometry: Geometry): AttentionArgs {
  const { blocks, promptTokens } = geometry.asking;
  const all = { start: 0, end: promptTokens, keys: geometry.P, starts: blocks[0]!.starts };
  return { q, own: { k, v }, view: promptView(geometry, all) };
}

/** Completions after their prompts. */
export function wholeCompletions(prompt: Heads, completion: Heads, geometry: Geometry): AttentionArgs {
  const { G } = geometry;
  const own = { k: perCompletion(completion.k, G), v: perCompletion(completion.v, G) };
  return { q: completion.q, prompt, own, view: completionView(geometry, { start: 0, end: G }) };
}
