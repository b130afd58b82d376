/** Added to the standard deviation, as TRL does: equal rewards give advantages of zero. */
const EPSILON = 1e-4;

/**
 * Group-relative advantages (Shao et al. 2024, §4.1.2): A = (r − mean of the group) / (std + 1e-4).
 *
 * @param rewards `[B][G]`
 * @param scale the std: of each group (unbiased), of all rewards, or none (Dr. GRPO, Liu et al. 2025)
 * @returns `[B][G]`
 */
export function groupAdvantages({
  rewards,
  scale,
}: {
  rewards: number[][];
  scale: 'group' | 'batch' | 'none';
}): number[][] {
  const overall = standardDeviation(rewards.flat());
  return rewards.map((group) => {
    const center = mean(group);
    const spread = scale === 'none' ? 1 : (scale === 'group' ? standardDeviation(group) : overall) + EPSILON;
    return group.map((reward) => (reward - center) / spread);
  });
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, x) => sum + x, 0) / values.length;

/** The unbiased one (n − 1); 0 of a single value, and of equal ones (measured from the first, they leave no rounding). */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const shifted = values.map((x) => x - values[0]!);
  const center = mean(shifted);
  const squares = shifted.reduce((sum, x) => sum + (x - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
