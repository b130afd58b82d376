import { sum } from '../statistics/moments.js';
import type { StepContext } from './context.js';
import type { JudgedGroup } from './judged-group.js';
import type { Objective } from './loss/objective.js';
import { type MicroBatch, toMicroBatches } from './micro-batch.js';
import { type GroupShare, ownShare } from './shares.js';
import { chunks } from './update.js';

/**
 * What a step learns from: its groups, in micro-batches whose token weights are those of the update that they belong to,
 * over all processes. A completion whose worth is not known is left out of all means; one that was cut off, where
 * `mask_truncated_completions`, of the loss alone.
 *
 * @param groups of this process
 * @param shares of all processes
 * @param advantages of all processes; null: the worth is not known. `[B][G]`
 * @returns none where nothing is learned from
 */
export function stepBatches(args: {
  context: StepContext;
  objective: Objective;
  groups: JudgedGroup[];
  shares: GroupShare[];
  advantages: (number | null)[][];
}): MicroBatch[] {
  const { context, objective, groups, shares, advantages } = args;
  const { config, group } = context;
  const { perUpdate, parts } = batching(context);
  const isMasked = (truncated: boolean) => config.grpo.mask_truncated_completions && truncated;
  const completions = shares.flatMap((share, b) =>
    share.lengths.map((length, g) => ({
      length,
      isKnown: advantages[b]![g] !== null,
      isMasked: isMasked(share.truncated[g]!),
    })),
  );
  const known = completions.filter(({ isKnown }) => isKnown);
  const learnedFrom = known.filter((completion) => !completion.isMasked);
  if (learnedFrom.length === 0) return [];
  const updates = parts / perUpdate;
  const totals = {
    sequences: known.length / updates,
    tokens: sum(learnedFrom.map(({ length }) => length)) / updates,
    microBatches: perUpdate * group.size,
  };
  const own = ownShare(group, advantages);
  const toLearnFrom = groups.map(({ prompt, completions: drawn }, b) => ({
    prompt,
    completions: drawn.map(({ tokenIds }) => tokenIds),
    advantages: own[b]!,
    masked: drawn.map(({ truncated }) => isMasked(truncated)),
  }));
  return toMicroBatches(chunks(toLearnFrom, parts), objective, totals);
}

/** Micro-batches of an update, and of the whole step. */
export function batching({ config }: StepContext): { perUpdate: number; parts: number } {
  const perUpdate = config.training.gradient_accumulation_steps;
  return { perUpdate, parts: config.grpo.steps_per_generation ?? perUpdate };
}
