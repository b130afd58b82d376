import type { JudgeOptions } from '../config/judge-options.js';
import type { RewardConfig } from '../config/rewards.js';
import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { PromptStyle } from '../tasks/task.js';
import type { PolicyAsker } from './policy-asker.js';

/** What a reward judges: one completion for one sample. */
export interface RewardInput {
  /** The completion, without the tokens that end it. */
  text: string;
  sample: Sample;
  style: PromptStyle;
  /** The labels of the cls task. */
  classes: readonly string[];
  /** Of the completion, with what ends it. Absent: not known. */
  tokens?: number;
}

/**
 * What a reward says of a completion: a score, usually in [0, 1]; nothing, since there is nothing to judge; or that it
 * could not find out, with the reason for people. A completion that nobody could judge is not a bad one: it is not
 * learned from.
 */
export type Verdict = { score: number } | { skipped: true } | { failed: string };

/** What a reward may want to know of the run when it is opened. */
export interface RewardContext {
  /** Aborted: somebody waits for the run to end; an answer that takes long may be broken off. */
  signal: AbortSignal;
  /** `rollout.max_completion_length` and `rollout.num_generations`. */
  max_completion_length: number;
  num_generations: number;
  /** The config's `judge`. */
  judge?: JudgeOptions;
  /** Takes what people should be told in the end. */
  say?: (message: string) => void;
}

/** A kind of reward: one term of the sum. */
export interface Reward {
  readonly name: string;
  appliesTo(task: TaskName): boolean;
  /**
   * @param options what the config has for it
   * @throws where it cannot be asked at all
   */
  open(options: RewardConfig, context: RewardContext): Promise<Scorer>;
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
   * @param policy what asks the policy itself; given to those whose cost it is
   * @returns a verdict for each. `[G]`
   * @throws only where the run cannot go on without it, or when the signal is aborted
   */
  scoreGroup(group: readonly RewardInput[], policy: PolicyAsker): Promise<Verdict[]>;
  close(): Promise<void>;
}

export type OptionsOf<Name extends RewardConfig['name']> = Extract<RewardConfig, { name: Name }>;

/** A reward that is a function of completion and annotation: it never throws, whatever the completion. */
export interface PureReward extends Reward {
  /** Null: there is nothing to judge. */
  score(input: RewardInput, options: RewardConfig): number | null;
}

export function pureReward<Name extends RewardConfig['name']>(rule: {
  name: Name;
  appliesTo: Reward['appliesTo'];
  /** Fills in what the config leaves to the run. */
  complete?(options: OptionsOf<Name>, context: RewardContext): OptionsOf<Name>;
  score(input: RewardInput, options: OptionsOf<Name>): number | null;
}): PureReward {
  const { name, appliesTo, complete = (options) => options } = rule;
  const score = (input: RewardInput, options: RewardConfig) => rule.score(input, options as OptionsOf<Name>);
  const open = async (given: RewardConfig, context: RewardContext): Promise<Scorer> => {
    const options = complete(given as OptionsOf<Name>, context);
    return {
      cost: 'pure',
      scoreGroup: async (group) => group.map((input) => verdictOf(score(input, options))),
      close: async () => {},
    };
  };
  return { name, appliesTo, score, open };
}

const verdictOf = (value: number | null): Verdict => (value === null ? { skipped: true } : { score: value });
