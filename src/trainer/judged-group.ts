import type { RewardScores } from '../rewards/scores.js';
import type { Completion } from '../rollout/completion.js';
import { standardDeviation } from '../statistics/moments.js';
import type { PromptedSample } from './data-stream.js';

/** A prompt with its completions and what they are worth. */
export interface JudgedGroup extends PromptedSample {
  /** `[G]` each */
  completions: Completion[];
  texts: string[];
  scores: RewardScores[];
  /** The first of its completions is the annotated answer. */
  isGuided?: boolean;
}

/** Whether a group's completions are all worth the same, as far as that is known: it has no advantages. */
export const hasNoSpread = (scores: readonly Pick<RewardScores, 'reward'>[]): boolean =>
  standardDeviation(scores.flatMap(({ reward }) => reward ?? [])) === 0;
