import { bySequence, total } from './by-sequence.js';
import { mostUncertain } from './entropy.js';
import { klEstimator } from './kl.js';
import type { Objective } from './objective.js';
import { surrogateOf } from './surrogate.js';

/**
 * The GRPO objective as pure functions of numbers by token.
 *
 *     ρ    = exp(logπ − logπ_old), of the token or of its sequence
 *     loss = Σ weight · (w · surrogate(ρ, A) + β KL)
 *
 * Shao et al. 2024 (DeepSeekMath), eq. 3; `loss_type` decides about weight (`weights.ts`) and surrogate
 * (`surrogate.ts`). w is 1 unless another sampler's log-probs were recorded.
 */

/** One value for each token of some tokens of a micro-batch. */
export interface TokenTerms {
  /** 0: the token is not learned from, and counts in no sum. */
  weights: Float64Array;
  advantages: Float64Array;
  logprobs: Float32Array;
  /** Of the distributions that the tokens were drawn from, in nats; only `top_entropy_quantile` asks for it. */
  entropies?: Float32Array;
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

/**
 * @param terms of some tokens; of all of the micro-batch where `needsAllTokens`
 * @param offsets completion i owns tokens offsets[i] … offsets[i + 1] of the terms; read only where `needsAllTokens`
 */
export function grpoLoss(args: { terms: TokenTerms; offsets: Int32Array; objective: Objective }): LossParts {
  const { terms, offsets, objective } = args;
  const { weights, advantages, logprobs, oldLogprobs, referenceLogprobs, importance } = terms;
  const isBySequence = objective.importance_sampling_level === 'sequence';
  const surrogate = surrogateOf(objective.loss_type);
  const klOf = klEstimator(objective.kl_estimator);
  const isKept = keptTokens(terms, objective);

  const logRatios = Float64Array.from(logprobs, (logprob, t) => logprob - (oldLogprobs?.[t] ?? logprob));
  const ratios = (isBySequence ? means(logRatios, offsets) : logRatios).map(Math.exp);
  const sequences = objective.loss_type === 'vespo' ? sequenceLogRatios(logRatios, importance, offsets) : null;

  const parts = { loss: 0, kl: 0, clippedLow: 0, clippedHigh: 0 };
  const gradient = new Float64Array(logprobs.length);
  /** ∂loss/∂log ρ, as if each token had a ratio of its own. */
  const byLogRatio = new Float64Array(logprobs.length);
  for (const [t, logprob] of logprobs.entries()) {
    const weight = weights[t]!;
    if (weight === 0) continue;
    const ratio = ratios[t]!;
    const sequenceLogRatio = sequences?.[t] ?? 0;
    const term = surrogate({ ratio, advantage: advantages[t]!, logprob, sequenceLogRatio }, objective);
    if (term.clipped === -1) parts.clippedLow += 1;
    if (term.clipped === 1) parts.clippedHigh += 1;
    // VESPO has the sampler's ratio in its own.
    const w = isKept(t) ? weight * (sequences === null ? (importance?.[t] ?? 1) : 1) : 0;
    const estimate = klOf(referenceLogprobs === undefined ? 0 : referenceLogprobs[t]! - logprob);
    // Off-policy the mean of an estimate is another; the ratio makes it that of the policy (DeepSeek-V3.2, 2025).
    const correction = objective.use_bias_correction_kl ? ratio : 1;
    const kl = correction * estimate.value;
    const klWeight = weight * objective.beta;
    parts.kl += kl;
    parts.loss += w * term.value + klWeight * kl;
    byLogRatio[t] = w * term.byRatio * ratio + (objective.use_bias_correction_kl ? klWeight * kl : 0);
    gradient[t] = w * term.byLogprob + klWeight * correction * estimate.derivative;
  }
  const spread = isBySequence ? means(byLogRatio, offsets) : byLogRatio;
  return { ...parts, gradient: Float32Array.from(gradient, (own, t) => own + spread[t]!) };
}

/** Tokens whose policy term counts; the KL of the others still does, as in TRL. */
function keptTokens({ weights, entropies }: TokenTerms, { top_entropy_quantile: part }: Objective) {
  if (part === 1 || entropies === undefined) return () => true;
  const kept = mostUncertain({ entropies, counts: (t) => weights[t] !== 0, part });
  return (t: number) => kept[t]!;
}

/** In the place of each value the mean of its sequence's. */
const means = (values: Float64Array, offsets: Int32Array): Float64Array =>
  bySequence(values, offsets, (own) => total(own) / own.length);

/** log w of each token's sequence, that of the sampler included; single tokens are held to e^±20, as in TRL. */
function sequenceLogRatios(logRatios: Float64Array, importance: Float64Array | undefined, offsets: Int32Array) {
  const bounded = (log: number, least: number) => Math.min(Math.max(log, least), 20);
  const logs = logRatios.map(
    (log, t) => bounded(log, -20) + (importance === undefined ? 0 : bounded(Math.log(importance[t]!), Math.log(1e-8))),
  );
  return bySequence(logs, offsets, total);
}
