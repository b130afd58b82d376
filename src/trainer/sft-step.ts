import { encodeCompletion } from '../prompt/build.js';
import { expectedCompletion } from '../prompt/tasks.js';
import type { StepFunction } from './context.js';
import { lengthMetrics } from './metrics.js';
import { accumulateSft, type Objective, toMicroBatches } from './micro-batch.js';
import { applyUpdate, chunks, updateMetrics } from './update.js';

/** The mean over all completion tokens of the step. */
const OBJECTIVE: Objective = {
  temperature: 1,
  beta: 0,
  epsilon: 0,
  epsilon_high: 0,
  loss_type: 'dapo',
  max_completion_length: 0,
};

/** One step of supervised fine-tuning: −log p of the annotated answer; the loss is on the completion alone. */
export const sftStep: StepFunction = async (context, { samples, learningRate, clock }) => {
  const { config, models, optimizer } = context;
  const { policy, processor } = models;
  const groups = samples.map(({ sample, prompt }) => {
    const text = expectedCompletion({ sample, style: config.data.prompt });
    return { prompt, completions: [encodeCompletion({ processor, text })], advantages: [0] };
  });
  const microBatches = toMicroBatches(chunks(groups, config.training.gradient_accumulation_steps), OBJECTIVE);
  const sums = clock.measure('policy', () => microBatches.map((microBatch) => accumulateSft({ policy, microBatch })));
  const { parameters } = policy;
  const update = clock.measure('optimizer', () => applyUpdate({ sums, optimizer, parameters, learningRate }));

  const lengths = groups.map(({ completions }) => completions[0]!.length);
  const { loss, entropy, grad_norm } = updateMetrics([update]);
  return {
    metrics: { loss: loss!, entropy: entropy!, grad_norm: grad_norm!, ...lengthMetrics(lengths, 0) },
    completions: [],
    tokens: groups.reduce((sum, { prompt, completions }) => sum + prompt.tokenIds.length + completions[0]!.length, 0),
    applied: update.applied,
  };
};
