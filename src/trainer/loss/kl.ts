import type { Config } from '../../config/schema.js';

/** An estimate of KL(π ‖ π_ref) from one drawn token, and its derivative by log π. */
interface Estimate {
  value: number;
  derivative: number;
}

/**
 * Schulman's estimators (joschu.net/blog/kl-approx.html), of δ = logπ_ref − logπ.
 *
 * k1 is unbiased as a number, yet its gradient is that of the log-probability alone, whose mean is 0: as a term of the
 * loss it pulls nowhere. k2's gradient is the right one on-policy. k3, always positive, is TRL's.
 */
const ESTIMATORS: Record<Config['grpo']['kl_estimator'], (delta: number) => Estimate> = {
  k1: (delta) => ({ value: -delta, derivative: 1 }),
  k2: (delta) => ({ value: delta ** 2 / 2, derivative: -delta }),
  k3: (delta) => ({ value: Math.exp(delta) - delta - 1, derivative: 1 - Math.exp(delta) }),
};

export const klEstimator = (name: Config['grpo']['kl_estimator']): ((delta: number) => Estimate) => ESTIMATORS[name];
