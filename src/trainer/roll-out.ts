import type { Rollout } from '../rollout/engine.js';
import { textKey, uniform } from '../system/random.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { syncEngine } from './training-files.js';

/** Samples the groups. A token's random number depends on the run's seed and on what it is a token of, nothing else. */
export async function rollOut(args: {
  context: StepContext;
  step: number;
  samples: PromptedSample[];
}): Promise<Rollout> {
  const { context, step, samples } = args;
  const { config, engine } = context;
  const keys = completionKeys(samples.map(({ sample }) => sample.id));
  await syncEngine(context);
  return engine.generate({
    prompts: samples.map(({ prompt }) => prompt),
    numGenerations: config.rollout.num_generations,
    sampling: config.rollout,
    keepsPass: config.training.gradient_accumulation_steps === 1,
    uniform: (b, generation, token) => uniform(config.seed, step, keys[b]!, generation, token),
  });
}

/**
 * A key for the random numbers of each sample of a step. One that comes again in the step (where epochs meet, or the data
 * is small) is keyed as that, else it would get the same completions twice. `[B]`
 */
export function completionKeys(sampleIds: string[]): number[] {
  const seen = new Map<string, number>();
  return sampleIds.map((id) => {
    const times = seen.get(id) ?? 0;
    seen.set(id, times + 1);
    return textKey(times === 0 ? id : `${id}\0${times}`);
  });
}
