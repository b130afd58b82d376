import type { Config } from '../config/schema.js';
import type { Prompt } from '../prompt/prompt.js';
import { type RewardScores, scoreCompletion } from '../rewards/total.js';
import type { Completion } from '../rollout/completion.js';
import { sum } from '../statistics/moments.js';
import { groupAdvantages } from './advantages.js';
import type { StepContext, StepFunction } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { addImportance, gatherImportance } from './importance.js';
import { importanceMetrics, lengthMetrics, rewardMetrics } from './metrics.js';
import { accumulateGrpo, type MicroBatch, type Objective, toMicroBatches } from './micro-batch.js';
import { completionRecords } from './records.js';
import { rollOut } from './roll-out.js';
import { allShares, ownShare } from './shares.js';
import { applyUpdate, chunks, type Update, updateMetrics } from './update.js';

/**
 * One step of GRPO (Shao et al. 2024), as TRL defines it: group-relative advantages with std + 1e-4, the k3 estimate
 * of the KL divergence in the loss, logits divided by the sampling temperature wherever log-probs are taken. With
 * `num_iterations` 1 the policy that samples is the one that is updated, and the ratio is 1.
 *
 * It differs from TRL in one thing that does not change the numbers: a prompt and its video are computed once for all
 * of its completions, in rollout, reference and policy, forward and backward.
 */
export const grpoStep: StepFunction = async (context, { step, samples, learningRate, clock }) => {
  const { config, models, optimizer, group } = context;
  const { policy } = models;
  const { parameters } = policy;

  const { completions, behaviour, pass } = await clock.measure('rollout', () => rollOut({ context, step, samples }));
  const texts = completions.map((own) => own.map(({ tokenIds }) => toText(context, tokenIds)));
  const scores = clock.measure('reward', () => scoreAll({ context, samples, texts }));
  const shares = await allShares(
    group,
    samples.map(({ prompt }, b) => shareOf(prompt, completions[b]!, scores[b]!)),
  );
  const rewards = shares.map((share) => share.scores.map(({ reward }) => reward));
  const advantages = ownShare(group, groupAdvantages({ rewards, scale: config.grpo.scale_rewards }));

  const objective = objectiveOf(config);
  const lengths = shares.flatMap((share) => share.lengths);
  const parts = config.training.gradient_accumulation_steps;
  const groups = samples.map(({ prompt }, b) => ({
    prompt,
    completions: completions[b]!.map(({ tokenIds }) => tokenIds),
    advantages: advantages[b]!,
  }));
  const totals = { sequences: lengths.length, tokens: sum(lengths), microBatches: parts * group.size };
  const microBatches = toMicroBatches(chunks(groups, parts), objective, totals);
  clock.measure('reference', () => addReference({ context, microBatches, objective }));
  if (behaviour === 'recorded')
    clock.measure('policy', () => {
      for (const [i, own] of chunks(completions, parts).entries())
        addImportance({ context, microBatch: microBatches[i]!, completions: own });
    });

  const updates: Update[] = [];
  for (let iteration = 0; iteration < config.grpo.num_iterations; iteration++) {
    // The first update is of the weights that sampled: what rollout computed of the prompts still holds.
    const kept = (iteration === 0 && pass) || undefined;
    const sums = clock.measure('policy', () =>
      microBatches.map((microBatch) => accumulateGrpo({ policy, microBatch, objective, pass: kept })),
    );
    // The first pass is made by the policy that sampled: its log-probs are the old ones of the passes after it.
    for (const [i, microBatch] of microBatches.entries()) microBatch.oldLogprobs ??= sums[i]!.logprobs;
    const update = () => applyUpdate({ sums, optimizer, parameters, learningRate, group });
    updates.push(await clock.measure('optimizer', update));
  }

  const records = completionRecords({ context, step, samples, completions, texts, scores, advantages });
  const { loss, ...updated } = updateMetrics(updates);
  return {
    metrics: {
      loss: loss!,
      ...rewardMetrics(shares.map((share) => share.scores)),
      ...updated,
      ...(behaviour === 'recorded' ? importanceMetrics(await gatherImportance(group, microBatches)) : {}),
      ...lengthMetrics(lengths, sum(shares.map(({ truncated }) => truncated))),
    },
    completions: await allShares(group, records),
    tokens: sum(shares.map(({ promptTokens }) => promptTokens)) + sum(lengths),
    applied: updates.every(({ applied }) => applied),
  };
};

/** What the processes have to know of each other's groups. */
const shareOf = (prompt: Prompt, completions: Completion[], scores: RewardScores[]) => ({
  scores,
  lengths: completions.map(({ tokenIds }) => tokenIds.length),
  truncated: completions.filter(({ truncated }) => truncated).length,
  promptTokens: prompt.tokenIds.length,
});

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
