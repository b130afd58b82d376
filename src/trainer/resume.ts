import { describeChange, fixedOptions, resumeChanges, storedOptions } from '../config/resume.js';
import type { Config } from '../config/schema.js';
import { CheckpointError } from '../system/errors.js';
import type { Checkpoint } from './checkpoint.js';
import { changedInputs } from './inputs.js';
import type { Inputs, RunState } from './run-state.js';
import { learningRate } from './schedule.js';

/**
 * Whether a run of `config` may go on from a checkpoint.
 *
 * @throws CheckpointError `CHECKPOINT_OTHER_RUN` with each option that it was made with and that is another now
 */
export function checkOptions({ checkpoint, config }: { checkpoint: Checkpoint; config: Config }): void {
  const { options } = checkpoint.state;
  if (options === undefined) return;
  const { refused } = resumeChanges(storedOptions(options), fixedOptions(config));
  if (refused.length === 0) return;
  const message = `${checkpoint.folder} belongs to a run with other options:\n  ${refused.map(describeChange).join('\n  ')}\nResume it with the config.yaml of its own run`;
  throw new CheckpointError({ code: 'CHECKPOINT_OTHER_RUN', message });
}

/**
 * Compares what a run reads with what it read before its checkpoint, and its length with that of before.
 *
 * @param acceptChanges go on although data or model are not the same
 * @param warn is told what is different from here on
 * @param from of the checkpoint, for people
 * @returns the changes to keep in the checkpoints to come, those of before included
 * @throws CheckpointError `RUN_INPUTS_CHANGED`
 */
export function noteChanges(args: {
  state: RunState;
  from: string;
  config: Config;
  inputs: Inputs;
  acceptChanges: boolean;
  warn: (message: string) => void;
}): RunState['changes'] {
  const { state, from, config, inputs, acceptChanges, warn } = args;
  const { step } = state;
  const changed = state.inputs === undefined ? [] : changedInputs(state.inputs, inputs);
  if (state.inputs === undefined)
    warn(`${from} was written by an earlier version: whether the data and the model are still the same is not known`);
  if (changed.length > 0 && !acceptChanges) {
    const message = `since the checkpoint after step ${step}, ${changed.join('; ')}; put back what was there, start another run, or go on all the same with --accept-changes (the order of the samples is then another one: some come again before others come at all)`;
    throw new CheckpointError({ code: 'RUN_INPUTS_CHANGED', message });
  }
  for (const change of changed) warn(`after step ${step}: ${change}; going on, as told by --accept-changes`);
  const now = fixedOptions(config);
  const { taken } = resumeChanges(state.options === undefined ? now : storedOptions(state.options), now);
  if (taken.length > 0) warn(scheduleChange({ config, step, before: Number(taken[0]!.before) }));
  const changes = [...changed, ...taken.map(describeChange)];
  return [...state.changes, ...changes.map((change) => ({ after_step: step, change }))];
}

/** More steps: the learning rate of those to come is that of the longer schedule, as in Hugging Face's Trainer. */
function scheduleChange({ config, step, before }: { config: Config; step: number; before: number }): string {
  const { training } = config;
  const now = learningRate(training, step + 1);
  const { lr_scheduler_type: type, max_steps: steps } = training;
  const then = learningRate({ ...training, max_steps: before }, Math.min(step + 1, before));
  const rate = (value: number) => Number(value.toPrecision(3));
  const change = `training.max_steps: ${before} → ${steps}`;
  if (now === then) return `${change}, from step ${step} on`;
  return `${change}: the learning rate follows ${type} over ${steps} steps from step ${step + 1} on (${rate(now)} where it was ${rate(then)}); a run of ${steps} steps from its beginning would have had other rates before`;
}
