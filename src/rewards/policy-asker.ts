import type { Sample } from '../dataset/sample.js';
import type { FrameChange } from '../prompt/frame-changes.js';

/** A question to the policy about a sample whose video is shown otherwise. */
export interface PolicyQuestion {
  sample: Sample;
  change: FrameChange;
  /** Completions. */
  count: number;
  /** The likeliest tokens, or drawn ones as in rollout. */
  greedy: boolean;
}

/**
 * Asks the policy as it is now. The same question, of the same step and prompt, gets the same answer.
 *
 * @returns of each question the texts, or null where nothing is left to be shown
 */
export type PolicyAsker = (questions: readonly PolicyQuestion[]) => Promise<(string[] | null)[]>;
