import type { Config } from '../config/schema.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import type { PrepareChanged } from '../prompt/sample-prompt.js';
import type { Rewards } from '../rewards/rewards.js';
import type { RolloutEngine } from '../rollout/engine.js';
import type { BegunRollout } from './ahead.js';
import type { PromptedSample } from './data-stream.js';
import type { Stopwatch } from './metrics.js';
import type { Models } from './models.js';
import type { AdamW } from './optimizer.js';
import type { RolloutLog } from './rollout-log.js';
import type { StepResult } from './update.js';
import type { VerdictLog } from './verdict-log.js';

/** What a step works with. */
export interface StepContext {
  config: Config;
  models: Models;
  /** Makes the completions. */
  engine: RolloutEngine;
  rewards: Rewards;
  /** What rewards that are not pure have said; null where all are pure. */
  verdicts: VerdictLog | null;
  /** Shows a sample to the model with another video made of its own. */
  prepareChanged: PrepareChanged;
  /** What a server has sampled; null where this process samples itself. */
  rollouts: RolloutLog | null;
  optimizer: AdamW;
  /** The processes that make the run. */
  group: ProcessGroup;
  /** The labels of the cls task. */
  classes: readonly string[];
}

export interface StepInput {
  /** The first is 1. */
  step: number;
  /**
   * Takes the next samples of the data, in all processes: the share of this one.
   *
   * @param places of the step that they are for. Left out: all
   */
  draw: (places?: readonly number[]) => Promise<PromptedSample[]>;
  /** What was begun for the step while the one before was learned from. */
  begun?: BegunRollout | null;
  /** Begins to sample for the next step. */
  beginNext?: () => Promise<void>;
  learningRate: number;
  clock: Stopwatch;
}

/** A training method: what is done with the samples of one optimizer step. It may wait for others on the way. */
export type StepFunction = (context: StepContext, input: StepInput) => Promise<StepResult>;
