import type { StackedKernels } from './stacked-layer.js';
import type { Tensor } from './tensor.js';

/**
 * The passes over activations that lie between matrix products. They take and give matrices in the compute type, as a
 * product makes them, and work in float32. There are two sets: `backends/portable` puts them together from the
 * operations of any backend; `backends/tensorflow/native-kernels.ts` has each as one operation of our own on the CPU (C++
 * in `native/kernels`). Others reach them through `fused.ts`.
 * A test checks one against the other. Below, N are token rows and T is the compute type.
 */
export interface Kernels {
  norm(args: NormArgs): Normed;
  normGradient(args: NormGradientArgs): NormGradient;
  swiglu(args: SwigluArgs): Tensor;
  /** The gradients of gate and up, given that of the product `d`; also the product itself, made again. */
  swigluGradient(args: SwigluArgs & { d: Tensor }): { dGate: Tensor; dUp: Tensor; y: Tensor };
  gelu(args: GeluArgs): Tensor;
  geluGradient(args: GeluArgs & { d: Tensor }): { dx: Tensor; y: Tensor };
  /** delta (+ x) (+ bias): `[N, d]` in T plus float32, as float32. */
  add(args: { x?: Tensor; delta: Tensor; bias?: Tensor }): Tensor;
  /** Σ over rows of `[N, d]` in T, as float32 `[d]`. */
  columnSum(x: Tensor): Tensor;
  /** Σ of the squares of all elements of x in T, as float32 `[1]`. */
  squaredNorm(x: Tensor): Tensor;
  toHeads(args: ToHeadsArgs): Tensor;
  fromHeads(args: FromHeadsArgs): Tensor;
  attentionWeights(scores: AttentionScores, view: AttentionView): AttentionScores;
  /** The gradient of scores by that of the weights; also the weights themselves, made again. */
  attentionWeightsGradient(
    scores: AttentionScores,
    d: AttentionScores,
    view: AttentionView,
  ): { weights: AttentionScores; dScores: AttentionScores };
  /** softmax(q kᵀ) v over both sets of keys as one; null where it has to be put together. */
  attention(args: AttentionArgs): Tensor | null;
  /** Its gradient by that of what it gives; also null. */
  attentionGradient(args: AttentionArgs & { dy: Tensor }): { q: Tensor; prompt?: KeyValue; own: KeyValue } | null;
  decodeAttention(args: DecodeAttentionArgs): { y: Tensor; own: KeyValue };
  /** A whole decoder layer on up to `fewRows` rows, as one; null where it has to be put together. */
  decodeLayer: ((args: DecodeLayerArgs) => { y: Tensor; own: KeyValue }) | null;
  /** The same for a device where a launch costs more than what it computes; null where nothing is gained by it. */
  stacked: StackedKernels | null;
  /** Rows of x up to which x · Wᵀ takes as long as reading W, and is made for it; 0: there is nothing of the kind. */
  fewRows: number;
  draw(args: DrawArgs): { tokens: Tensor; logprobs: Tensor };
}

/** silu(gate) · up, elementwise, `[N, d]` in T (Shazeer 2020), each with its bias added first, `[d]`, where it has one. */
export interface SwigluArgs {
  gate: Tensor;
  up: Tensor;
  gateBias?: Tensor;
  upBias?: Tensor;
}

/**
 * GELU of z = x + bias, `[N, d]` in T, in one of the two forms of Hendrycks & Gimpel (2016): `quick` z · σ(1.702 z), `tanh`
 * z/2 · (1 + tanh(√(2/π) (z + 0.044715 z³))).
 */
export interface GeluArgs {
  x: Tensor;
  /** `[d]` */
  bias: Tensor;
  form: 'quick' | 'tanh';
}

/** RMS norm (Zhang & Sennrich 2019), or layer norm where there is a `shift`, of x (+ delta (+ bias)). */
export interface NormArgs {
  /** `[N, d]` float32 */
  x: Tensor;
  /** Added first: `[N, d]` in T, with a bias `[d]` of its own. */
  delta?: Tensor;
  bias?: Tensor;
  /** `[d]` */
  weight: Tensor;
  /** `[d]` */
  shift?: Tensor;
  epsilon: number;
  type: 'float32' | 'bfloat16';
  /** Nobody comes back for `stats`, which may then be anything. */
  isForwardOnly?: boolean;
}

export interface Normed {
  /** x + delta + bias; x itself where there is no delta. `[N, d]` float32 */
  sum: Tensor;
  /** `[N, d]` in T */
  y: Tensor;
  /** Mean (0 for an RMS norm) and 1 / deviation of each row of `sum`. `[N, 2]` */
  stats: Tensor;
}

export interface NormGradientArgs {
  /** The gradient of y in parts that add up, `[N, d]` in T each. */
  dys: readonly Tensor[];
  sum: Tensor;
  stats: Tensor;
  weight: Tensor;
  centered: boolean;
  /** Added to the result: the gradient that passes the norm by. `[N, d]` float32 */
  residual?: Tensor;
  wantsWeight: boolean;
}

export interface NormGradient {
  /** `[N, d]` float32 */
  dx: Tensor;
  /** The same in T. */
  dxCast: Tensor;
  /** `[d]`, where asked for. */
  dWeight?: Tensor;
  /** `[d]`, where asked for and centred. */
  dShift?: Tensor;
}

/** Tables of a rotary embedding, `[N, D]` each; `sin` carries the sign of rotate_half (minus in the first half). */
export interface Rotary {
  cos: Tensor;
  sin: Tensor;
}

/**
 * Rows start … start + B · tokens of x `[N, width]` → `[B · KV, tokens · R, D]`: head kv · R + r of x's columns from
 * `column` on becomes row t · R + r of matrix b · KV + kv. With bias (of all columns), rotation and scale on the way.
 */
export interface ToHeadsArgs {
  x: Tensor;
  start: number;
  column: number;
  B: number;
  tokens: number;
  KV: number;
  R: number;
  D: number;
  /** `[width]` */
  bias?: Tensor;
  rotary?: Rotary;
  scale: number;
}

/** A matrix `[B · KV, length · R, D]` that belongs into columns `column` … of tokens `offset` … of each sequence. */
export interface HeadsPart {
  x: Tensor;
  offset: number;
  column: number;
  KV: number;
  R: number;
}

/** B sequences of `tokens` rows each; parts at one place add up. */
export interface HeadsSegment {
  B: number;
  tokens: number;
  parts: readonly HeadsPart[];
}

/** The way back: `[N, width]` in T, segment after segment. The first columns are turned back and scaled. */
export interface FromHeadsArgs {
  segments: readonly HeadsSegment[];
  width: number;
  D: number;
  rotary?: Rotary;
  rotatedColumns: number;
  scaledColumns: number;
  scale: number;
}

/**
 * Scores (or weights, or their gradients) of queries over two sets of keys at once: `onPrompt` `[B · KV, n, P]`, where
 * there is a prompt, and `onOwn` `[·, ·, K]`, the same rows in the same order.
 */
export interface AttentionScores {
  onPrompt?: Tensor;
  onOwn: Tensor;
}

/** Which keys a query row sees: row i of n belongs to token ⌊i / R⌋ mod C of its sequence. */
export interface AttentionView {
  /** Query rows of a key-value head of a prompt. */
  n: number;
  KV: number;
  R: number;
  C: number;
  /** A token sees its own predecessors where attention is causal, and as many keys before them; else all. */
  causal: boolean;
  /** Of each prompt, where attention is causal. */
  starts: readonly number[];
  /** Keys of each prompt that are not padding. */
  promptLengths: readonly number[];
}

export interface KeyValue {
  k: Tensor;
  v: Tensor;
}

/** Attention of queries `[B · KV, n, D]`, scaled, of whole sequences; gives what they see, in the same layout. */
export interface AttentionArgs {
  q: Tensor;
  /** `[B · KV, P, D]`, seen as far as `promptLengths` go. */
  prompt?: KeyValue;
  /** `[·, K, D]`, one for each C · R rows of q. */
  own: KeyValue;
  view: AttentionView;
}

/** Keys of prompts as columns, since each is met by many queries: `[B · KV, D, P]`, and values `[B · KV, P, D]`. */
export interface PromptCache {
  kt: Tensor;
  v: Tensor;
}

/** Token t of each completion (row b · G + g), which attends to its prompt and to its tokens up to itself. */
export interface DecodeContext {
  /** Of the rows, `[B · G, D]`. */
  rotary: Rotary;
  scale: number;
  prompt: PromptCache;
  promptLengths: readonly number[];
  /** `[B · KV · G, ≥ t, D]`, absent for t = 0. Given up: what is returned takes its place. */
  own?: KeyValue;
  KV: number;
  R: number;
  G: number;
  t: number;
}

/** Of queries, keys and values, `[width]` each, where they have one. */
export interface Biases {
  q?: Tensor;
  k?: Tensor;
  v?: Tensor;
}

export interface DecodeAttentionArgs extends DecodeContext {
  /** `[B · G, KV · R · D]`, `[B · G, KV · D]` twice, as the projections gave them */
  q: Tensor;
  k: Tensor;
  v: Tensor;
  biases: Biases;
}

export interface DecodeLayerArgs extends DecodeContext {
  /** `[B · G, hidden]` float32, as what comes out */
  x: Tensor;
  /** Matrices `[out, in]` in T, norms float32. */
  weights: Record<'inputNorm' | 'q' | 'k' | 'v' | 'o' | 'mlpNorm' | 'gate' | 'up' | 'down', Tensor>;
  biases: Biases;
  /** Weights of the RMS norms that each head of queries and keys goes through, `[D]`, where there are such. */
  headNorms?: { q: Tensor; k: Tensor };
  epsilon: number;
}

/**
 * One token of each row by inverting the cumulative distribution of softmax(scale · logits) without the forbidden
 * tokens, and its log-prob under the whole distribution: int32 and float32 `[M]`.
 */
export interface DrawArgs {
  /** `[M, V]` float32 */
  logits: Tensor;
  /** In [0, 1). `[M]` */
  uniforms: Float32Array;
  scale: number;
  /** Token ids. */
  forbidden: readonly number[];
}
