/**
 * The GRPO objective as pure functions of numbers by token.
 *
 *     ρ    = exp(logπ − logπ_old)
 *     KL   = exp(logπ_ref − logπ) − (logπ_ref − logπ) − 1            (Schulman's k3)
 *     loss = Σ weight · (−w min(ρ A, clip(ρ, 1 − ε, 1 + ε_high) A) + β KL)
 *
 * Shao et al. 2024 (DeepSeekMath), eq. 3; the weights are those of `loss_type`. w is 1 unless another
 * sampler's log-probs were recorded.
 */

export type LossType = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo';

/** Counts of a whole optimizer step, over its micro-batches; of completions that are learned from. */
export interface StepTotals {
  sequences: number;
  tokens: number;
  microBatches: number;
}

/**
 * What each token counts in the loss.
 *
 * - `grpo`: the mean over sequences of each one's token mean
 * - `dapo`: the mean over all tokens of the step (Yu et al. 2025)
 * - `bnpo`: the mean over micro-batches of each one's token mean
 * - `dr_grpo`: sums over tokens, divided by sequences · max_completion_length (Liu et al. 2025)
 *
 * @param offsets completion i of the micro-batch owns tokens offsets[i] … offsets[i + 1]. `[n + 1]`
 * @param counts whether completion i is learned from. `[n]`
 * @returns `[M]`; 0 for tokens of completions that are not
 */
export function tokenWeights(args: {
  lossType: LossType;
  offsets: Int32Array;
  counts: readonly boolean[];
  totals: StepTotals;
  maxCompletionLength: number;
}): Float64Array {
  const { lossType, offsets, counts, totals, maxCompletionLength } = args;
  const weights = new Float64Array(offsets.at(-1)!);
  const M = counts.reduce((sum, isCounted, i) => sum + (isCounted ? offsets[i + 1]! - offsets[i]! : 0), 0);
  for (const [i, isCounted] of counts.entries()) {
    if (!isCounted) continue;
    const length = offsets[i + 1]! - offsets[i]!;
    const weight = {
      grpo: 1 / (totals.sequences * length),
      dapo: 1 / totals.tokens,
      bnpo: 1 / (totals.microBatches * M),
      dr_grpo: 1 / (totals.sequences * maxCompletionLength),
    }[lossType];
    weights.fill(weight, offsets[i]!, offsets[i + 1]!);
  }
  return weights;
}

/** One value for each token of some tokens of a micro-batch. */
export interface TokenTerms {
  /** 0: the token is not learned from, and counts in no sum. */
  weights: Float64Array;
  advantages: Float64Array;
  logprobs: Float32Array;
  /** Absent on-policy: then logπ_old is logπ, and ρ = 1. */
  oldLogprobs?: Float32Array;
  /** Absent where β is 0. */
  referenceLogprobs?: Float32Array;
  /** What the sampler's being another counts (`importance.ts`). Absent where the policy sampled itself: 1. */
  importance?: Float64Array;
}

/** Sums over the tokens, and ∂loss/∂logπ of each. */
export interface LossParts {
  loss: number;
  gradient: Float32Array;
  /** Σ KL, not weighted. */
  kl: number;
  /** Tokens whose ratio was clipped from below (A < 0) and from above (A > 0). */
  clippedLow: number;
  clippedHigh: number;
}

export function grpoLoss({
  terms,
  beta,
  epsilon,
  epsilonHigh,
}: {
  terms: TokenTerms;
  beta: number;
  epsilon: number;
  epsilonHigh: number;
}): LossParts {
  const { weights, advantages, logprobs, oldLogprobs, referenceLogprobs, importance } = terms;
  const parts: LossParts = {
    loss: 0,
    gradient: new Float32Array(logprobs.length),
    kl: 0,
    clippedLow: 0,
    clippedHigh: 0,
  };
  for (const [t, logprob] of logprobs.entries()) {
    if (weights[t] === 0) continue;
    const A = advantages[t]!;
    const ratio = Math.exp(logprob - (oldLogprobs?.[t] ?? logprob));
    const clipped = Math.min(Math.max(ratio, 1 - epsilon), 1 + epsilonHigh);
    const isClipped = clipped * A < ratio * A;
    if (isClipped && A < 0) parts.clippedLow += 1;
    if (isClipped && A > 0) parts.clippedHigh += 1;

    const log = referenceLogprobs === undefined ? 0 : referenceLogprobs[t]! - logprob;
    const kl = Math.exp(log) - log - 1;
    const weight = weights[t]!;
    const w = importance?.[t] ?? 1;
    parts.kl += kl;
    parts.loss += weight * (w * -Math.min(ratio * A, clipped * A) + beta * kl);
    parts.gradient[t] = weight * ((isClipped ? 0 : w * -ratio * A) + beta * (1 - Math.exp(log)));
  }
  return parts;
}
