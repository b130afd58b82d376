import { mean, standardDeviation } from '../statistics/moments.js';

/** Added to the standard deviation, as TRL does: equal rewards give advantages of zero. */
const EPSILON = 1e-4;

/**
 * Group-relative advantages (Shao et al. 2024, §4.1.2): A = (r − mean of the group) / (std + 1e-4).
 *
 * A completion whose reward is not known (null) counts in no mean and no deviation, and has no advantage.
 *
 * @param rewards `[B][G]`
 * @param scale the std: of each group (unbiased), of all rewards, or none (Dr. GRPO, Liu et al. 2025)
 * @returns `[B][G]`
 */
export function groupAdvantages({
  rewards,
  scale,
}: {
  rewards: (number | null)[][];
  scale: 'group' | 'batch' | 'none';
}): (number | null)[][] {
  const known = (all: (number | null)[]) => all.filter((reward) => reward !== null);
  const overall = standardDeviation(known(rewards.flat()));
  return rewards.map((group) => {
    const center = mean(known(group));
    const spread = scale === 'none' ? 1 : (scale === 'group' ? standardDeviation(known(group)) : overall) + EPSILON;
    return group.map((reward) => (reward === null ? null : (reward - center) / spread));
  });
}
