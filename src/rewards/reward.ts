import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { PromptStyle } from '../tasks/task.js';

/** What a reward judges: one completion for one sample. */
export interface RewardInput {
  /** The completion, without the tokens that end it. */
  text: string;
  sample: Sample;
  style: PromptStyle;
  /** The labels of the cls task. */
  classes: readonly string[];
}

/** One term of the reward: a pure function that never throws, whatever the completion. */
export interface RewardFunction {
  readonly name: string;
  appliesTo(task: TaskName): boolean;
  /** In [0, 1]. Asked only for samples of tasks that it applies to. */
  score(input: RewardInput): number;
}
