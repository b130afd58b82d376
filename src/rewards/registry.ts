import { UsageError } from '../system/errors.js';
import { accuracyReward } from './accuracy.js';
import { formatReward } from './format.js';
import type { RewardFunction } from './reward.js';
import { temporalIouReward } from './temporal-iou.js';

/** Every reward that a config can name. A new one is a file beside these and an entry here. */
export const REWARDS: ReadonlyMap<string, RewardFunction> = new Map(
  [formatReward, accuracyReward, temporalIouReward].map((reward) => [reward.name, reward]),
);

/** @throws UsageError for a name that there is no reward of. */
export function rewardNamed(name: string): RewardFunction {
  const reward = REWARDS.get(name);
  if (reward) return reward;
  const message = `there is no reward “${name}”; there are ${[...REWARDS.keys()].join(', ')}`;
  throw new UsageError({ code: 'REWARD_UNKNOWN', message });
}
