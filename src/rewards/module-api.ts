import type { RewardInput } from './reward.js';

export type { RewardInput } from './reward.js';

/**
 * What a reward module exports as its default: the scores of the completions of one prompt, one finite number for each, or
 * null where there is nothing to judge. `[G]` It may wait for others. What it throws, and a completion that gets anything
 * else, counts as not judged: nothing is learned from it.
 */
export type RewardFunction = (group: readonly RewardInput[]) => (number | null)[] | Promise<(number | null)[]>;
