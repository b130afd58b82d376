import { mean } from '../statistics/moments.js';
import type { Verdict } from './reward.js';

/** What a completion is worth, in the names of `completions.jsonl`. */
export interface RewardScores {
  /** Each term by its name; null where it does not apply, or says nothing. */
  rewards: Record<string, number | null>;
  /** Their weighted sum; a term that is null adds nothing. Null: a term that counts has failed, and nothing is known. */
  reward: number | null;
  /** Why terms have failed, by name; only where one has. */
  failed?: Record<string, string>;
}

/** A term of the reward with what it says of a completion. */
export interface TermVerdict {
  name: string;
  weight: number;
  verdict: Verdict;
}

/** The weighted sum of the terms. */
export function weigh(terms: readonly TermVerdict[]): RewardScores {
  const rewards: Record<string, number | null> = {};
  const failed: Record<string, string> = {};
  let reward: number | null = 0;
  for (const { name, weight, verdict } of terms) {
    const value = 'score' in verdict ? verdict.score : null;
    rewards[name] = value;
    if ('failed' in verdict) failed[name] = verdict.failed;
    // A term that is only watched takes nothing away.
    if ('failed' in verdict && weight !== 0) reward = null;
    else if (reward !== null) reward += weight * (value ?? 0);
  }
  return { rewards, reward, ...(Object.keys(failed).length > 0 && { failed }) };
}

/** Mean of each term and of the sum over the completions that have it; null where there is none. */
export function meanRewards(scores: readonly RewardScores[]): RewardScores {
  const meanOf = (values: (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : mean(known);
  };
  const names = [...new Set(scores.flatMap(({ rewards }) => Object.keys(rewards)))];
  const rewards = names.map((name) => [name, meanOf(scores.map((score) => score.rewards[name] ?? null))]);
  return { rewards: Object.fromEntries(rewards), reward: meanOf(scores.map(({ reward }) => reward)) };
}
