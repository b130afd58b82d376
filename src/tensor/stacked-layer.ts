import type { Tensor } from './tensor.js';

/**
 * Decoding in as few operations as can be: projections that share an input are one matrix, and so is what is kept of keys
 * and values. Heads come first, `[heads, B · G, D]`, so that a part of them is a view; and the D dimensions of a head are
 * pairs (i, i + D/2) that a rotation turns as a complex number, `[D/2, 2]`.
 *
 * Below, N = B · G rows, T is the compute type, and heads are KV · R of queries, KV of keys, KV of values.
 */
export interface StackedKernels {
  /** A decoder layer on a token of each completion. */
  layer(args: StackedLayerArgs): { y: Tensor; own: Tensor };
  /** RMS norm of x `[N, d]` float32, in T. @param weight times √d; without it the result is divided by √d */
  norm(args: { x: Tensor; weight?: Tensor; epsilon: number; type: 'float32' | 'bfloat16' }): Tensor;
}

export interface StackedLayerArgs {
  /** `[N, hidden]` float32, as what comes out */
  x: Tensor;
  weights: StackedWeights;
  /**
   * cos and sin in float32, `[heads, N, D/2, 2]`, with the scale of queries in it and (1, 0) for values; where there are norms of
   * heads, `[1, N, D/2, 2]` of queries and keys, without a scale.
   */
  rotary: Tensor;
  /** Keys as columns, `[KV · B, D, P]`, and values, `[KV · B, P, D]`. */
  prompt: { kt: Tensor; v: Tensor };
  /** Added to scores where prompts are of several lengths: `[KV · B, 1, P]` in the compute type. */
  mask?: Tensor;
  /** Keys, then values, of the tokens so far: `[2 · KV · N, t, D]`; absent for t = 0. What is returned takes its place. */
  own?: Tensor;
  B: number;
  G: number;
  KV: number;
  R: number;
  epsilon: number;
}

export interface StackedWeights {
  /** Queries, keys, values. */
  qkv: NormedLinear;
  /** Of all heads, `[heads, 1, D/2, 2]` float32, where there is one. */
  bias?: Tensor;
  /** Of the norms of queries and keys, times √D, with the scale of queries in it: `[KV · R + KV, 1, D]` float32. */
  headNorms?: Tensor;
  o: StackedLinear;
  /** Gate, then up. */
  gateUp: NormedLinear;
  down: StackedLinear;
}

/** W `[out, in]`, and a low-rank update B A of it (its scale in B): `[out, r]`, `[r, in]`. */
export interface StackedLinear {
  weight: Tensor;
  low?: { a: Tensor; b: Tensor };
}

/** With the weight of the norm before it, `[in]` float32 times √in; none where it is in the matrices. */
export interface NormedLinear extends StackedLinear {
  norm?: Tensor;
}
