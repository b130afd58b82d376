import { mean, standardDeviation } from '../statistics/moments.js';

/** Added to the standard deviation, as TRL does: equal rewards give advantages of zero. */
const EPSILON = 1e-4;

type Known<T> = (T | null)[];

interface AdvantageOptions {
  /** The std: of each group (unbiased), of all rewards, or none (Dr. GRPO, Liu et al. 2025). */
  scale_rewards: 'group' | 'batch' | 'none';
  multi_objective_aggregation: 'sum_then_normalize' | 'normalize_then_sum';
}

/** What a completion is worth: the weighted sum of its terms, and these. */
interface Worth {
  /** Null: not known. */
  reward: number | null;
  /** By name; null where a term says nothing. */
  rewards: Readonly<Record<string, number | null>>;
}

/**
 * Group-relative advantages (Shao et al. 2024, §4.1.2), as TRL computes them.
 *
 * A completion whose reward is not known (null) counts in no mean and no deviation, and has no advantage.
 *
 * @param worth `[B][G]`
 * @param weights of the terms, by name
 * @returns `[B][G]`
 */
export function advantagesOf(args: {
  worth: readonly (readonly Worth[])[];
  weights: Readonly<Record<string, number>>;
  options: AdvantageOptions;
}): Known<number>[] {
  const { worth, weights, options } = args;
  if (options.multi_objective_aggregation === 'normalize_then_sum') return normalizedSums({ worth, weights });
  const rewards = worth.map((group) => group.map(({ reward }) => reward));
  return groupAdvantages({ rewards, scale: options.scale_rewards });
}

/**
 * A = (r − mean of the group) / (std + 1e-4).
 *
 * @param rewards `[B][G]`
 */
export function groupAdvantages({
  rewards,
  scale,
}: {
  rewards: Known<number>[];
  scale: AdvantageOptions['scale_rewards'];
}): Known<number>[] {
  const overall = standardDeviation(known(rewards.flat()));
  return rewards.map((group) => {
    const center = mean(known(group));
    const spread = scale === 'none' ? 1 : (scale === 'group' ? standardDeviation(known(group)) : overall) + EPSILON;
    return group.map((reward) => (reward === null ? null : (reward - center) / spread));
  });
}

/**
 * GDPO (Liu et al. 2026): each term is normalized in its group, so that one with a small spread counts as much as one with
 * a large; then the weighted sums are, over the step.
 */
function normalizedSums({ worth, weights }: Omit<Parameters<typeof advantagesOf>[0], 'options'>): Known<number>[] {
  const sums = worth.map((group) => {
    const valued = group.map(({ reward, rewards }) => (reward === null ? null : rewards));
    const terms = Object.entries(weights).map(([name, weight]) => {
      const values = valued.map((rewards) => rewards?.[name] ?? null);
      return groupAdvantages({ rewards: [values], scale: 'group' })[0]!.map((value) => weight * (value ?? 0));
    });
    return valued.map((rewards, g) => (rewards === null ? null : terms.reduce((sum, term) => sum + term[g]!, 0)));
  });
  const all = known(sums.flat());
  const [center, spread] = [mean(all), standardDeviation(all) + EPSILON];
  return sums.map((group) => group.map((value) => (value === null ? null : (value - center) / spread)));
}

const known = (all: Known<number>): number[] => all.filter((reward) => reward !== null);
