import { anyOf } from '../parallel/gather.js';
import type { Rollout } from '../rollout/engine.js';
import { Interrupted } from '../system/interrupted.js';
import { textKey, uniform } from '../system/random.js';
import type { BegunRollout } from './ahead.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { batching } from './step-batches.js';
import { syncEngine } from './training-files.js';

/**
 * Begins to sample the groups. A token's random number depends on the run's seed and on what it is a token of, nothing
 * else.
 *
 * @param done steps whose updates the weights have
 * @param isAhead it belongs to a checkpoint of the step before, and is not broken off when the run is asked to stop
 */
export async function beginRollout(args: {
  context: StepContext;
  step: number;
  done: number;
  samples: PromptedSample[];
  isAhead?: boolean;
}): Promise<BegunRollout> {
  const { context, step, done, samples, isAhead = false } = args;
  await syncEngine(context, done);
  const rollout = sample(context, step, samples, isAhead);
  // If it fails meanwhile, it is told where it is waited for.
  rollout.catch(() => {});
  return { step, samples, rollout };
}

async function sample(
  context: StepContext,
  step: number,
  samples: PromptedSample[],
  isAhead: boolean,
): Promise<Rollout> {
  const { config, engine, rollouts } = context;
  const known = samples.map((one) => rollouts?.recall(step, one));
  const asked = samples.filter((_, i) => known[i] === undefined);
  const behaviour = rollouts === null ? 'policy' : 'recorded';
  if (asked.length === 0) return { completions: known.map((one) => one!), behaviour, pass: null };
  const keys = asked.map(completionKey);
  const made = await engine.generate({
    prompts: asked.map(({ prompt }) => prompt),
    numGenerations: config.rollout.num_generations,
    sampling: config.rollout,
    keepsPass: batching(context).parts === 1,
    mustEnd: isAhead,
    uniform: (b, generation, token) => uniform(config.seed, step, keys[b]!, generation, token),
  });
  const fresh = made.completions.values();
  return { ...made, completions: known.map((one) => one ?? fresh.next().value!) };
}

/**
 * Waits for completions; what a server has sampled is on the disk when it returns.
 *
 * @throws Interrupted in all processes, when one of them was interrupted while it waited
 */
export async function endRollout(context: StepContext, { step, samples, rollout }: BegunRollout): Promise<Rollout> {
  const { rollouts, group } = context;
  if (rollouts === null) return rollout;
  let failure: unknown;
  const made = await rollout.catch((error) => {
    failure = error;
    return null;
  });
  const { completions = [] } = made ?? {};
  await rollouts.write(
    step,
    completions.map((own, b) => ({ sample: samples[b]!, completions: own })),
  );
  const isAnyMissing = await anyOf(group, made === null);
  if (failure !== undefined) throw failure;
  // Where another process has failed, it says so itself.
  if (isAnyMissing) throw new Interrupted();
  return made!;
}

/**
 * A key for a sample's random numbers. One that comes again in a step is keyed as that, else it would get the same
 * completions twice.
 */
export const completionKey = ({ sample, occurrence }: Omit<PromptedSample, 'prompt'>): number =>
  textKey(occurrence === 0 ? sample.id : `${sample.id}\0${occurrence}`);
