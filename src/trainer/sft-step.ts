import { encodeCompletion } from '../prompt/build.js';
import { sum } from '../statistics/moments.js';
import { expectedCompletion } from '../tasks/words.js';
import type { StepFunction } from './context.js';
import { lengthMetrics } from './metrics.js';
import { accumulateSft, toSftBatch } from './sft-batch.js';
import { allShares } from './shares.js';
import { applyUpdate, chunks, updateMetrics } from './update.js';

/**
 * One step of supervised fine-tuning: −log p of the annotated answer, the mean over all completion tokens of the step; the
 * loss is on the completion alone.
 */
export const sftStep: StepFunction = async (context, { draw, learningRate, clock }) => {
  const { config, models, optimizer, group } = context;
  const { policy, processor } = models;
  const samples = await draw();
  const demonstrations = samples.map(({ sample, prompt }) => {
    const text = expectedCompletion({ sample, style: config.data.prompt });
    return { prompt, completion: encodeCompletion({ processor, text }) };
  });
  const shares = await allShares(
    group,
    demonstrations.map(({ prompt, completion }) => ({ prompt: prompt.tokenIds.length, completion: completion.length })),
  );
  const lengths = shares.map(({ completion }) => completion);
  const weight = 1 / sum(lengths);
  const batches = chunks(demonstrations, config.training.gradient_accumulation_steps).map(toSftBatch);
  const sums = clock.measure('policy', () => batches.map((batch) => accumulateSft({ policy, batch, weight })));
  const { parameters } = policy;
  const update = await clock.measure('optimizer', () =>
    applyUpdate({ sums, optimizer, parameters, learningRate, group }),
  );

  const { loss, entropy, grad_norm } = updateMetrics([update]);
  return {
    metrics: { loss: loss!, entropy: entropy!, grad_norm: grad_norm!, ...lengthMetrics(lengths, 0) },
    completions: [],
    tokens: sum(shares.map(({ prompt }) => prompt)) + sum(lengths),
    problem: update.applied ? null : 'not_finite',
  };
};
