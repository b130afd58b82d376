import type { LossType } from './objective.js';

/** Counts of one update, over its micro-batches. */
export interface StepTotals {
  /** Completions whose worth is known. */
  sequences: number;
  /** Those of their tokens that are learned from. */
  tokens: number;
  microBatches: number;
}

interface Sizes {
  /** Tokens of the completion. */
  length: number;
  /** Tokens of the micro-batch that are learned from. */
  inMicroBatch: number;
  totals: StepTotals;
  maxCompletionLength: number;
}

const meanOfSequences = ({ length, totals }: Sizes) => 1 / (totals.sequences * length);
const meanOfTokens = ({ totals }: Sizes) => 1 / totals.tokens;

/** What each token of a completion counts. */
const WEIGHTS: Record<LossType, (sizes: Sizes) => number> = {
  /** The mean over completions of each one's token mean. */
  grpo: meanOfSequences,
  sapo: meanOfSequences,
  /** The mean over all tokens of the update (Yu et al. 2025). */
  dapo: meanOfTokens,
  cispo: meanOfTokens,
  vespo: meanOfTokens,
  /** The mean over micro-batches of each one's token mean. */
  bnpo: ({ inMicroBatch, totals }) => 1 / (totals.microBatches * inMicroBatch),
  /** Sums over tokens, divided by completions · max_completion_length (Liu et al. 2025). */
  dr_grpo: ({ totals, maxCompletionLength }) => 1 / (totals.sequences * maxCompletionLength),
  /** The mean over completions of sums over tokens: a completion counts by its length. */
  luspo: ({ totals }) => 1 / totals.sequences,
};

/**
 * What each token counts in the loss, as TRL has it.
 *
 * @param offsets completion i of the micro-batch owns tokens offsets[i] … offsets[i + 1]. `[n + 1]`
 * @param counts whether completion i is learned from. `[n]`
 * @returns `[M]`; 0 for tokens of completions that are not
 */
export function tokenWeights(args: {
  lossType: LossType;
  offsets: Int32Array;
  counts: readonly boolean[];
  totals: StepTotals;
  maxCompletionLength: number;
}): Float64Array {
  const { lossType, offsets, counts, totals, maxCompletionLength } = args;
  const weights = new Float64Array(offsets.at(-1)!);
  const lengthOf = (i: number) => offsets[i + 1]! - offsets[i]!;
  const inMicroBatch = counts.reduce((sum, isCounted, i) => sum + (isCounted ? lengthOf(i) : 0), 0);
  for (const [i, isCounted] of counts.entries()) {
    if (!isCounted) continue;
    const weight = WEIGHTS[lossType]({ length: lengthOf(i), inMicroBatch, totals, maxCompletionLength });
    weights.fill(weight, offsets[i]!, offsets[i + 1]!);
  }
  return weights;
}
