import type { Prompt } from '../prompt/prompt.js';
import type { RewardScores } from '../rewards/scores.js';
import type { Completion } from '../rollout/completion.js';
import { sum } from '../statistics/moments.js';
import { dispose } from '../tensor/tensor.js';
import { groupAdvantages } from './advantages.js';
import type { StepContext, StepFunction } from './context.js';
import { addImportance, gatherImportance } from './importance.js';
import { importanceMetrics, lengthMetrics, rewardMetrics } from './metrics.js';
import { accumulateGrpo, type MicroBatch, type Objective, objectiveOf, toMicroBatches } from './micro-batch.js';
import { completionRecords } from './records.js';
import { rollOut } from './roll-out.js';
import { failureNotes, scoreAll } from './score.js';
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
  const scores = await clock
    .measure('reward', () => scoreAll({ context, step, samples, texts }))
    .catch((error) => {
      dispose(pass);
      throw error;
    });
  const shares = await allShares(
    group,
    samples.map(({ prompt }, b) => shareOf(prompt, completions[b]!, scores[b]!)),
  );
  const all = shares.map((share) => share.scores);
  const rewards = all.map((own) => own.map(({ reward }) => reward));
  const advantages = ownShare(group, groupAdvantages({ rewards, scale: config.grpo.scale_rewards }));

  const objective = objectiveOf(config);
  const parts = config.training.gradient_accumulation_steps;
  const groups = samples.map(({ prompt }, b) => ({
    prompt,
    completions: completions[b]!.map(({ tokenIds }) => tokenIds),
    advantages: advantages[b]!,
  }));
  // What a completion is worth may not be known: it is not learned from.
  const counted = shares.flatMap((share, b) => share.lengths.filter((_, g) => rewards[b]![g] !== null));
  const totals = { sequences: counted.length, tokens: sum(counted), microBatches: parts * group.size };
  const microBatches = counted.length === 0 ? [] : toMicroBatches(chunks(groups, parts), objective, totals);
  clock.measure('reference', () => addReference({ context, microBatches, objective }));
  if (behaviour === 'recorded')
    clock.measure('policy', () => {
      for (const [i, microBatch] of microBatches.entries())
        addImportance({ context, microBatch, completions: chunks(completions, parts)[i]! });
    });

  const updates: Update[] = [];
  for (let iteration = 0; microBatches.length > 0 && iteration < config.grpo.num_iterations; iteration++) {
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
  // Where nothing could be learned, nobody has used it up.
  dispose(pass);

  const records = completionRecords({ context, step, samples, completions, texts, scores, advantages });
  const { loss, ...updated } = updateMetrics(updates);
  const lengths = shares.flatMap((share) => share.lengths);
  return {
    metrics: {
      loss: loss!,
      ...rewardMetrics(all),
      ...updated,
      ...(behaviour === 'recorded' ? importanceMetrics(await gatherImportance(group, microBatches)) : {}),
      ...lengthMetrics(lengths, sum(shares.map(({ truncated }) => truncated))),
    },
    completions: await allShares(group, records),
    tokens: sum(shares.map(({ promptTokens }) => promptTokens)) + sum(lengths),
    problem: counted.length === 0 ? 'no_scores' : updates.every(({ applied }) => applied) ? null : 'not_finite',
    notes: failureNotes(step, all),
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

function addReference(args: { context: StepContext; microBatches: MicroBatch[]; objective: Objective }): void {
  const { reference } = args.context.models;
  if (reference === null) return;
  const { temperature } = args.objective;
  for (const microBatch of args.microBatches)
    microBatch.referenceLogprobs = reference.score({ batch: microBatch.batch, temperature }).logprobs;
}
