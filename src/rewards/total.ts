import { rewardNamed } from './registry.js';
import type { RewardInput } from './reward.js';

/** A reward term of a config. */
export interface WeightedReward {
  name: string;
  weight: number;
}

export interface RewardScores {
  /** Each term by its name; null where it does not apply to the sample's task. */
  rewards: Record<string, number | null>;
  /** Their weighted sum; a term that does not apply adds nothing. */
  reward: number;
}

/** Scores a completion. @throws UsageError for a term that does not exist. */
export function scoreCompletion({
  terms,
  input,
}: {
  terms: readonly WeightedReward[];
  input: RewardInput;
}): RewardScores {
  const rewards: Record<string, number | null> = {};
  let reward = 0;
  for (const { name, weight } of terms) {
    const term = rewardNamed(name);
    const value = term.appliesTo(input.sample.task) ? term.score(input) : null;
    rewards[name] = value;
    reward += weight * (value ?? 0);
  }
  return { rewards, reward };
}

/** Mean of each term over the completions that it applies to; null where there is none. */
export function meanRewards(scores: readonly RewardScores[]): RewardScores {
  const mean = (values: number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const names = [...new Set(scores.flatMap(({ rewards }) => Object.keys(rewards)))];
  const rewards = names.map((name) => [
    name,
    mean(scores.map((score) => score.rewards[name] ?? null).filter((value) => value !== null)),
  ]);
  return { rewards: Object.fromEntries(rewards), reward: mean(scores.map(({ reward }) => reward)) ?? 0 };
}
