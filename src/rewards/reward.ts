import type { RewardConfig } from '../config/rewards.js';
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

/**
 * What a reward says of a completion: a score, usually in [0, 1]; nothing, since there is nothing to judge; or that it
 * could not find out, with the reason for people. A completion that nobody could judge is not a bad one: it is not
 * learned from.
 */
export type Verdict = { score: number } | { skipped: true } | { failed: string };

/** A kind of reward: one term of the sum. */
export interface Reward {
  readonly name: string;
  appliesTo(task: TaskName): boolean;
  /**
   * @param options what the config has for it
   * @param signal aborted: somebody waits for the run to end; an answer that takes long may be broken off
   */
  open(options: RewardConfig, context: { signal: AbortSignal }): Promise<Scorer>;
}

/** A reward that is ready to be asked. */
export interface Scorer {
  /**
   * What asking costs: `pure`, a function of the completion and its annotation; `remote`, somebody else is asked; `policy`,
   * the model itself. Verdicts that are not pure are written down, since another time they may be others.
   */
  readonly cost: 'pure' | 'remote' | 'policy';
  /**
   * Judges the completions of one prompt, all for one sample of a task that the reward applies to. Groups are asked about
   * at the same time; how many of them go out at once is the scorer's affair.
   *
   * @returns a verdict for each. `[G]`
   * @throws only where the run cannot go on without it, or when the signal is aborted
   */
  scoreGroup(group: readonly RewardInput[]): Promise<Verdict[]>;
  close(): Promise<void>;
}

/** A reward that is a function of completion and annotation: it never throws, whatever the completion. */
export interface PureReward extends Reward {
  score(input: RewardInput): number;
}

export function pureReward(rule: Pick<PureReward, 'name' | 'appliesTo' | 'score'>): PureReward {
  const scorer: Scorer = {
    cost: 'pure',
    scoreGroup: async (group) => group.map((input) => ({ score: rule.score(input) })),
    close: async () => {},
  };
  return { ...rule, open: async () => scorer };
}
