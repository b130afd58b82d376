import { fused } from '../tensor/fused.js';
import {
  add,
  argMax,
  crossEntropy,
  downloadFloats,
  downloadInts,
  indices,
  scale,
  softmax,
  topK,
  upload,
} from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import type { Sampling } from './completion.js';

/** Added to the logits of tokens that must not be drawn. */
const FORBIDDEN = -1e30;

/** Rounded to float32, the largest uniform numbers are 1, which would draw past the end of the likely tokens. */
const LARGEST_UNIFORM = 1 - 2 ** -24;

/** Tokens drawn, and log π of each at the sampling temperature. `[M]` */
export interface Drawn {
  tokens: Int32Array;
  logprobs: Float32Array;
}

/**
 * Draws one token for each row of logits by inverting the cumulative distribution, so that a token depends on its
 * logits and its own uniform number alone.
 *
 * @param logits `[M, vocabulary]`
 * @param uniforms in [0, 1). `[M]`
 * @param forbidden token ids that must not be drawn
 * @param seen token ids that stand before, of each row; asked for only where there is a `repetition_penalty`
 */
export function drawTokens(args: {
  logits: Tensor;
  uniforms: Float32Array;
  sampling: Sampling;
  forbidden: readonly number[];
  seen?: (row: number) => Iterable<number>;
}): Drawn {
  const { logits, uniforms, sampling, forbidden, seen = () => [] } = args;
  const { temperature, top_k, top_p, min_p, repetition_penalty: penalty } = sampling;
  return scope(() => {
    const isGreedy = temperature === 0;
    if (!isGreedy && top_k === 0 && top_p === 1 && min_p === 0 && penalty === 1) {
      const drawn = fused().draw({
        logits,
        uniforms: below(uniforms),
        scale: 1 / temperature,
        forbidden,
      });
      return { tokens: downloadInts(drawn.tokens), logprobs: downloadFloats(drawn.logprobs) };
    }
    const z = isGreedy ? logits : scale(logits, 1 / temperature);
    const liked = penalty === 1 ? z : penalized({ z, penalty, seen });
    const allowed = forbidden.length === 0 ? liked : add(liked, bias(z.shape[1]!, forbidden));
    const tokens = isGreedy ? downloadInts(argMax(allowed)) : drawAmongLikeliest(allowed, below(uniforms), sampling);
    const { loss } = crossEntropy(z, indices(tokens));
    return { tokens, logprobs: downloadFloats(loss).map((nll) => -nll) };
  });
}

const below = (uniforms: Float32Array): Float32Array => uniforms.map((u) => Math.min(u, LARGEST_UNIFORM));

/** Keskar et al. 2019 (CTRL), as transformers does it: the sign tells which way is down. */
function penalized(args: { z: Tensor; penalty: number; seen: (row: number) => Iterable<number> }): Tensor {
  const { z, penalty, seen } = args;
  const [M, V] = z.shape as [number, number];
  const values = downloadFloats(z).slice();
  for (let row = 0; row < M; row++)
    for (const id of seen(row)) {
      const at = row * V + id;
      values[at]! *= values[at]! > 0 ? 1 / penalty : penalty;
    }
  return upload(values, [M, V]);
}

function drawAmongLikeliest(z: Tensor, uniforms: Float32Array, { top_k, top_p, min_p }: Sampling): Int32Array {
  const [M, V] = z.shape as [number, number];
  // Logits in descending order, so that both limits keep a prefix of the row.
  const k = top_k === 0 ? V : Math.min(top_k, V);
  const top = topK(z, k);
  const p = downloadFloats(softmax(top.values));
  const ids = downloadInts(top.indices);
  return Int32Array.from({ length: M }, (_, row) => {
    const kept = aboveLeast(nucleus(p.subarray(row * k, (row + 1) * k), top_p), min_p);
    return ids[row * k + invert(kept, uniforms[row]!)]!;
  });
}

/** The shortest prefix of descending probabilities that reaches `topP` (Holtzman et al. 2020). */
function nucleus(p: Float32Array, topP: number): Float32Array {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    sum += p[i]!;
    if (sum >= topP) return p.subarray(0, i + 1);
  }
  return p;
}

/** The prefix of descending probabilities that are at least this part of the first (min-p, Nguyen et al. 2024). */
function aboveLeast(p: Float32Array, minP: number): Float32Array {
  const below = minP === 0 ? -1 : p.findIndex((x) => x < minP * p[0]!);
  return below === -1 ? p : p.subarray(0, below);
}

function invert(p: Float32Array, uniform: number): number {
  const total = p.reduce((sum, x) => sum + x, 0);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    sum += p[i]!;
    if (sum > uniform * total) return i;
  }
  return p.length - 1;
}

function bias(width: number, forbidden: readonly number[]): Tensor {
  const row = new Float32Array(width);
  for (const id of forbidden) row[id] = FORBIDDEN;
  return upload(row, [1, width]);
}
