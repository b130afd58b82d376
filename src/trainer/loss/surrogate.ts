import type { LossType, Objective } from './objective.js';

/** What the policy's term of the loss is made of, for one token. */
export interface TokenRatio {
  /** ρ: π / π_old of the token, or of its sequence. */
  ratio: number;
  advantage: number;
  logprob: number;
  /** log of π / π_old of the whole sequence, that of the sampler included; only where `loss_type` asks for it. */
  sequenceLogRatio: number;
}

/** The policy's term for one token, and its derivatives: the total one by log π is `byRatio` · ∂ρ/∂logπ + `byLogprob`. */
export interface Surrogate {
  value: number;
  byRatio: number;
  byLogprob: number;
  /** The ratio was clipped from below (−1), from above (1), or not. */
  clipped: -1 | 0 | 1;
}

type Rule = (token: TokenRatio, objective: Objective) => Surrogate;

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/**
 * PPO's clipped ratio: −min(ρA, clip(ρ, 1 − ε, 1 + ε_high) A) (Shao et al. 2024, eq. 3). With `delta` the ratio that is
 * not clipped ends there (two-sided clipping, INTELLECT-2): without it a bad completion that has become likely pushes as
 * hard as its ratio is high.
 */
const clippedRatio: Rule = ({ ratio, advantage: A }, { epsilon, epsilon_high, delta = Number.POSITIVE_INFINITY }) => {
  const [low, high] = [1 - epsilon, 1 + epsilon_high];
  const bounded = Math.min(ratio, delta);
  const clipped = clamp(ratio, low, high);
  const taken = clipped * A < bounded * A ? clipped : bounded;
  const isLow = bounded < low && A < 0;
  const isHigh = bounded > high && A > 0;
  return {
    value: -taken * A,
    byRatio: taken === ratio ? -A : 0,
    byLogprob: 0,
    clipped: isLow ? -1 : isHigh ? 1 : 0,
  };
};

/** The weight of a token's own log-prob, a constant in the gradient. */
const weighted = (weight: number, { advantage: A, logprob }: TokenRatio, clipped: 0 | 1): Surrogate => ({
  value: -weight * A * logprob,
  byRatio: 0,
  byLogprob: -weight * A,
  clipped,
});

/** −sg(min(ρ, ε_high)) A log π: no token is left out of the gradient (MiniMax-M1 2025). */
const cispo: Rule = (token, { epsilon_high }) => {
  const isHigh = token.ratio > epsilon_high && token.advantage > 0;
  return weighted(Math.min(token.ratio, epsilon_high), token, isHigh ? 1 : 0);
};

/** −4/τ σ(τ (ρ − 1)) A: a soft gate in place of a clip, with a τ for each sign of A (SAPO 2025). */
const sapo: Rule = ({ ratio, advantage: A }, { sapo_temperature_pos, sapo_temperature_neg }) => {
  const tau = A > 0 ? sapo_temperature_pos : sapo_temperature_neg;
  const gate = 1 / (1 + Math.exp(-tau * (ratio - 1)));
  return { value: (-4 / tau) * gate * A, byRatio: -4 * gate * (1 - gate) * A, byLogprob: 0, clipped: 0 };
};

/** TRL's bounds of a sequence's log-ratio. */
const VESPO_BOUNDS = [Math.log(1e-8), 20] as const;

/** −sg(φ(w)) A log π with φ(w) = w^k e^(λ (1 − w)), w the ratio of the whole sequence (VESPO 2026). */
const vespo: Rule = (token, objective) => {
  const isGood = token.advantage >= 0;
  const k = isGood ? objective.vespo_k_pos : objective.vespo_k_neg;
  const lambda = Math.max(1e-4, isGood ? objective.vespo_lambda_pos : objective.vespo_lambda_neg);
  const log = clamp(token.sequenceLogRatio, ...VESPO_BOUNDS);
  return weighted(Math.exp(lambda + k * log - lambda * Math.exp(log)), token, 0);
};

const RULES: Record<LossType, Rule> = {
  grpo: clippedRatio,
  bnpo: clippedRatio,
  dr_grpo: clippedRatio,
  dapo: clippedRatio,
  luspo: clippedRatio,
  cispo,
  sapo,
  vespo,
};

export const surrogateOf = (lossType: LossType): Rule => RULES[lossType];
