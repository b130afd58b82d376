import { accuracyReward } from './accuracy.js';
import { formatReward } from './format.js';
import type { Reward } from './reward.js';
import { temporalIouReward } from './temporal-iou.js';

/** Every reward: the only list of them. The config has their options, by name. */
export const REWARDS: readonly Reward[] = [formatReward, accuracyReward, temporalIouReward];
