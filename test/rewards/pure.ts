import type { RewardConfig } from '../../src/config/rewards.js';
import { Rewards } from '../../src/rewards/rewards.js';

/** Rewards by their names, of weight 1 unless another is given. */
export const termsOf = (terms: Partial<Record<RewardConfig['name'], number>>): RewardConfig[] =>
  Object.entries(terms).map(([name, weight]) => ({ name, weight }) as RewardConfig);

export const ALL = termsOf({ format: 1, accuracy: 1, temporal_iou: 1 });

/** Rewards that nobody has to close. */
export const pureRewards = (terms: readonly RewardConfig[]): Promise<Rewards> =>
  Rewards.open({ terms, rollout: { max_completion_length: 512, num_generations: 8 } });
