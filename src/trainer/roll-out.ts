import type { Rollout } from '../rollout/engine.js';
import { textKey, uniform } from '../system/random.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { batching } from './step-batches.js';
import { syncEngine } from './training-files.js';

/** Samples the groups. A token's random number depends on the run's seed and on what it is a token of, nothing else. */
export async function rollOut(args: {
  context: StepContext;
  step: number;
  samples: PromptedSample[];
}): Promise<Rollout> {
  const { context, step, samples } = args;
  const { config, engine } = context;
  const keys = samples.map(completionKey);
  await syncEngine(context);
  if (samples.length === 0) return { completions: [], behaviour: 'policy', pass: null };
  return engine.generate({
    prompts: samples.map(({ prompt }) => prompt),
    numGenerations: config.rollout.num_generations,
    sampling: config.rollout,
    keepsPass: batching(context).parts === 1,
    uniform: (b, generation, token) => uniform(config.seed, step, keys[b]!, generation, token),
  });
}

/**
 * A key for a sample's random numbers. One that comes again in a step is keyed as that, else it would get the same
 * completions twice.
 */
export const completionKey = ({ sample, occurrence }: Omit<PromptedSample, 'prompt'>): number =>
  textKey(occurrence === 0 ? sample.id : `${sample.id}\0${occurrence}`);
