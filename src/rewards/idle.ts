import type { RewardConfig } from '../config/rewards.js';
import type { Sample } from '../dataset/sample.js';
import { rewardNamed } from './named.js';

/** What should be told of rewards that apply to no sample of a run: they train nothing, and are probably not meant. */
export function idleRewards({
  terms,
  samples,
}: {
  terms: readonly RewardConfig[];
  samples: readonly Sample[];
}): string[] {
  const tasks = [...new Set(samples.map(({ task }) => task))];
  const idle = terms.filter(({ name }) => !tasks.some((task) => rewardNamed(name).appliesTo(task)));
  return idle.map(
    ({ name }) => `the reward ${name} is for none of the tasks of the training samples (${tasks.join(', ')})`,
  );
}
