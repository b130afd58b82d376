import type { Config } from '../config/schema.js';
import { type RewardScores, scoreCompletion } from '../rewards/total.js';
import { groupAdvantages } from './advantages.js';
import type { StepContext, StepFunction } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { addImportance } from './importance.js';
import { importanceMetrics, lengthMetrics, rewardMetrics } from './metrics.js';
import { accumulateGrpo, type MicroBatch, type Objective, toMicroBatches } from './micro-batch.js';
import { completionRecords } from './records.js';
import { rollOut } from './roll-out.js';
import { applyUpdate, chunks, updateMetrics } from './update.js';

/**
 * One step of GRPO (Shao et al. 2024), as TRL defines it: group-relative advantages with std + 1e-4, the k3 estimate
 * of the KL divergence in the loss, logits divided by the sampling temperature wherever log-probs are taken. With
 * `num_iterations` 1 the policy that samples is the one that is updated, and the ratio is 1.
 *
 * It differs from TRL in one thing that does not change the numbers: a prompt and its video are computed once for all
 * of its completions, in rollout, reference and policy, forward and backward.
 */
export const grpoStep: StepFunction = async (context, { step, samples, learningRate, clock }) => {
  const { config, models, optimizer } = context;
  const { policy } = models;

  const { completions, behaviour, pass } = await clock.measure('rollout', () => rollOut({ context, step, samples }));
  const texts = completions.map((group) => group.map(({ tokenIds }) => toText(context, tokenIds)));
  const scores = clock.measure('reward', () => scoreAll({ context, samples, texts }));
  const rewards = scores.map((group) => group.map(({ reward }) => reward));
  const advantages = groupAdvantages({ rewards, scale: config.grpo.scale_rewards });

  const objective = objectiveOf(config);
  const groups = samples.map(({ prompt }, b) => ({
    prompt,
    completions: completions[b]!.map(({ tokenIds }) => tokenIds),
    advantages: advantages[b]!,
  }));
  const microBatches = toMicroBatches(chunks(groups, config.training.gradient_accumulation_steps), objective);
  clock.measure('reference', () => addReference({ context, microBatches, objective }));
  if (behaviour === 'recorded') {
    const parts = chunks(completions, microBatches.length);
    clock.measure('policy', () => {
      for (const [i, microBatch] of microBatches.entries())
        addImportance({ context, microBatch, completions: parts[i]! });
    });
  }

  const updates = Array.from({ length: config.grpo.num_iterations }, (_, iteration) => {
    // The first update is of the weights that sampled: what rollout computed of the prompts still holds.
    const kept = (iteration === 0 && pass) || undefined;
    const sums = clock.measure('policy', () =>
      microBatches.map((microBatch) => accumulateGrpo({ policy, microBatch, objective, pass: kept })),
    );
    // The first pass is made by the policy that sampled: its log-probs are the old ones of the passes after it.
    for (const [i, microBatch] of microBatches.entries()) microBatch.oldLogprobs ??= sums[i]!.logprobs;
    const { parameters } = policy;
    return clock.measure('optimizer', () => applyUpdate({ sums, optimizer, parameters, learningRate }));
  });

  const all = completions.flat();
  const lengths = all.map(({ tokenIds }) => tokenIds.length);
  const promptTokens = samples.reduce((sum, { prompt }) => sum + prompt.tokenIds.length, 0);
  const { loss, ...updated } = updateMetrics(updates);
  return {
    metrics: {
      loss: loss!,
      ...rewardMetrics(scores),
      ...updated,
      ...importanceMetrics(microBatches.flatMap(({ importance }) => [...(importance ?? [])])),
      ...lengthMetrics(lengths, all.filter(({ truncated }) => truncated).length),
    },
    completions: completionRecords({ context, step, samples, completions, texts, scores, advantages }),
    tokens: promptTokens + lengths.reduce((sum, length) => sum + length, 0),
    applied: updates.every(({ applied }) => applied),
  };
};

const toText = ({ models }: StepContext, tokenIds: Int32Array): string =>
  models.processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true });

function scoreAll(args: { context: StepContext; samples: PromptedSample[]; texts: string[][] }): RewardScores[][] {
  const { config, classes } = args.context;
  return args.samples.map(({ sample }, b) =>
    args.texts[b]!.map((text) =>
      scoreCompletion({ terms: config.rewards, input: { text, sample, style: config.data.prompt, classes } }),
    ),
  );
}

function addReference(args: { context: StepContext; microBatches: MicroBatch[]; objective: Objective }): void {
  const { reference } = args.context.models;
  if (reference === null) return;
  const { temperature } = args.objective;
  for (const microBatch of args.microBatches)
    microBatch.referenceLogprobs = reference.score({ batch: microBatch.batch, temperature }).logprobs;
}

const objectiveOf = ({ grpo, rollout }: Config): Objective => ({
  temperature: rollout.temperature,
  max_completion_length: rollout.max_completion_length,
  beta: grpo.beta,
  epsilon: grpo.epsilon,
  epsilon_high: grpo.epsilon_high ?? grpo.epsilon,
  loss_type: grpo.loss_type,
});
