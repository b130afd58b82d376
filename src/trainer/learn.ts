import type { PromptPass } from '../policy/policy.js';
import type { StepContext, StepInput } from './context.js';
import type { Objective } from './loss/objective.js';
import { accumulateGrpo, type MicroBatch } from './micro-batch.js';
import { applyUpdate, chunks, type Update } from './update.js';

/**
 * Makes the updates of a step from its micro-batches: each of these is learned from `num_iterations` times, and every
 * `perUpdate` of them, in a row, make an update.
 *
 * @param pass over the prompts of the first micro-batch, with the weights as they are; it is used up
 */
export async function learn(args: {
  context: StepContext;
  input: StepInput;
  objective: Objective;
  microBatches: MicroBatch[];
  perUpdate: number;
  pass: PromptPass | null;
}): Promise<Update[]> {
  const { context, input, objective, microBatches, perUpdate, pass } = args;
  const { config, models, optimizer, group } = context;
  const { learningRate, clock } = input;
  const { policy } = models;
  if (microBatches.length === 0) return [];
  const parts = chunks(microBatches, microBatches.length / perUpdate);
  // By their turn the policy is no longer the one that sampled.
  const later = parts.slice(1).flat();
  clock.measure('policy', () => {
    for (const microBatch of later)
      microBatch.oldLogprobs ??= policy.score({ batch: microBatch.batch, temperature: objective.temperature }).logprobs;
  });
  const updates: Update[] = [];
  for (let iteration = 0; iteration < config.grpo.num_iterations; iteration++)
    for (const part of parts) {
      // The first update is of the weights that sampled: what rollout computed of the prompts still holds.
      const kept = (updates.length === 0 && pass) || undefined;
      const sums = clock.measure('policy', () =>
        part.map((microBatch) => accumulateGrpo({ policy, microBatch, objective, pass: kept })),
      );
      // The first pass is made by the policy that sampled: its log-probs are the old ones of the passes after it.
      for (const [i, microBatch] of part.entries()) microBatch.oldLogprobs ??= sums[i]!.logprobs;
      const { parameters } = policy;
      const update = () => applyUpdate({ sums, optimizer, parameters, learningRate, group });
      updates.push(await clock.measure('optimizer', update));
    }
  return updates;
}
