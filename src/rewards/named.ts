import type { RewardConfig } from '../config/rewards.js';
import { REWARDS } from './registry.js';
import type { Reward } from './reward.js';

export const rewardNamed = (name: RewardConfig['name']): Reward => REWARDS.find((reward) => reward.name === name)!;
