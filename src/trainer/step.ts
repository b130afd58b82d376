import { termName } from '../config/rewards.js';
import { gatherJson } from '../parallel/gather.js';
import { mean, sum } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { dispose } from '../tensor/tensor.js';
import { advantagesOf } from './advantages.js';
import type { StepFunction } from './context.js';
import { drawGroups } from './draw-groups.js';
import { withGuidance } from './guidance.js';
import { addImportance, gatherImportance } from './importance.js';
import { learn } from './learn.js';
import { objectiveOf } from './loss/objective.js';
import { faultMetrics, importanceMetrics, lengthMetrics } from './metrics.js';
import { completionRecords } from './records.js';
import { referenceLogprobs } from './reference-logprobs.js';
import { rewardMetrics } from './reward-metrics.js';
import { failureNotes } from './score.js';
import { allShares, type GroupShare, ownShare, shareOf } from './shares.js';
import { batching, stepBatches } from './step-batches.js';
import { chunks, type StepResult, updateMetrics } from './update.js';

/**
 * One step of GRPO (Shao et al. 2024), as TRL defines it: group-relative advantages with std + 1e-4, an estimate of the KL
 * divergence in the loss, logits divided by the sampling temperature wherever log-probs are taken. A step is one rollout
 * and all that is learned from it: by default one update, of the policy that sampled, whose ratio is 1.
 *
 * It differs from TRL in one thing that does not change the numbers: a prompt and its video are computed once for all
 * of its completions, in rollout, reference and policy, forward and backward.
 */
export const grpoStep: StepFunction = async (context, input) => {
  const { config, models, group } = context;
  const { step, clock } = input;
  const { groups: sampled, passedOver, behaviour, faults, pass, reference } = await drawGroups(context, input);
  const groups = await withGuidance(context, sampled);

  const shares = await allShares(group, groups.map(shareOf(context)));
  const dropped = await allShares(group, passedOver.map(shareOf(context)));
  const weights = Object.fromEntries(config.rewards.map((term) => [termName(term), term.weight]));
  const all = advantagesOf({ worth: shares.map(({ scores }) => scores), weights, options: config.grpo });

  const objective = objectiveOf(config);
  const microBatches = stepBatches({ context, objective, groups, shares, advantages: all });
  // What was computed while rewards were waited for is of the completions that were drawn.
  const early = groups === sampled ? reference : null;
  const logprobs = early ?? clock.measure('reference', () => referenceLogprobs({ context, groups }));
  for (const [i, microBatch] of microBatches.entries()) microBatch.referenceLogprobs = logprobs?.[i];
  const { perUpdate, parts } = batching(context);
  if (behaviour === 'recorded')
    clock.measure('policy', () => {
      const completions = groups.map((one) => one.completions);
      for (const [i, microBatch] of microBatches.entries())
        addImportance({ context, microBatch, completions: chunks(completions, parts)[i]! });
    });
  const made = await learn({ context, input, objective, microBatches, perUpdate, pass });
  // Where nothing could be learned, nobody has used it up.
  dispose(pass);
  const { sync_ref_model: follows, ref_model_sync_steps: every, ref_model_mixup_alpha: alpha } = config.grpo;
  if (follows && step % every === 0) models.followPolicy(alpha);

  const { loss, ...updated } = updateMetrics(made);
  // All may have been cut off, and left out: then nothing is learned, and nothing is wrong.
  const isAnyKnown = all.flat().some((advantage) => advantage !== null);
  // Metrics are of what the policy has said.
  const own = groups === sampled ? shares : await allShares(group, sampled.map(shareOf(context)));
  const drawn = [...own, ...dropped];
  const lengths = drawn.flatMap((share) => share.lengths);
  const records = completionRecords({
    context,
    step,
    groups,
    advantages: ownShare(group, all),
    reference: logprobs,
  });
  return {
    metrics: {
      loss: loss!,
      ...rewardMetrics(drawn),
      ...(config.grpo.dynamic_sampling ? { 'groups/passed_over': dropped.length } : {}),
      ...(config.grpo.guide_all_wrong ? { 'groups/guided': shares.filter(({ isGuided }) => isGuided).length } : {}),
      ...updated,
      ...(behaviour === 'recorded' ? importanceMetrics(await gatherImportance(group, microBatches)) : {}),
      ...(behaviour === 'recorded' ? faultMetrics(await gatherJson(group, faults)) : {}),
      ...lengthMetrics(lengths, drawn.flatMap((share) => share.truncated).filter(Boolean).length),
      'completions/garbled': ratio(
        drawn.flatMap((share) => share.garbled),
        Boolean,
      ),
    },
    completions: await allShares(group, [...completionRecords({ context, step, groups: passedOver }), ...records]),
    tokens: sum(drawn.map(({ promptTokens }) => promptTokens)) + sum(lengths),
    successes: successesOf(drawn, config.data.curriculum?.by),
    problem: !isAnyKnown ? 'no_scores' : made.every(({ applied }) => applied) ? null : 'not_finite',
    notes: failureNotes(
      step,
      drawn.map(({ scores }) => scores),
    ),
  };
};

/** By sample, the mean of a reward over its group, where that is known. */
function successesOf(groups: GroupShare[], by: string | undefined): StepResult['successes'] {
  if (by === undefined) return undefined;
  return groups.flatMap(({ id, scores }) => {
    const values = scores.flatMap(({ rewards }) => rewards[by] ?? []);
    return values.length === 0 ? [] : [{ id, success: mean(values) }];
  });
}
