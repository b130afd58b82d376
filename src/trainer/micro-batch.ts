import { toBatch } from '../policy/batch.js';
import type { Batch, Policy, PromptPass } from '../policy/policy.js';
import type { Prompt } from '../prompt/prompt.js';
import { dispose } from '../tensor/tensor.js';
import { grpoLoss, type TokenTerms } from './loss/loss.js';
import { needsAllTokens, type Objective } from './loss/objective.js';
import { type StepTotals, tokenWeights } from './loss/weights.js';

/** A prompt with its G completions and what each is worth. */
export interface Group {
  prompt: Prompt;
  /** Token ids. `[G][C]` */
  completions: Int32Array[];
  /** `[G]`; null: nobody knows what the completion is worth, and it is not learned from. */
  advantages: (number | null)[];
  /** Completions that are left out of the loss although their worth is known. `[G]` Absent: none. */
  masked?: boolean[];
}

/** Groups whose gradients are computed together; by token, what the loss needs. */
export interface MicroBatch {
  batch: Batch;
  /** `[M]` */
  advantages: Float64Array;
  weights: Float64Array;
  /** log π of the policy before the first update from this rollout. `[M]` */
  oldLogprobs?: Float32Array;
  /** `[M]` */
  referenceLogprobs?: Float32Array;
  /** As another sampler recorded them, where one has. `[M]` */
  behaviourLogprobs?: Float32Array;
  /** What tokens count for another sampler's having drawn them, where one has. `[M]` */
  importance?: Float64Array;
}

/** Sums over those tokens of a micro-batch that are learned from. */
export interface MicroBatchSums {
  loss: number;
  tokens: number;
  kl: number;
  entropy: number;
  clipped: number;
  /** log π of each token. `[M]` */
  logprobs: Float32Array;
}

/**
 * @param parts the groups of each micro-batch of an optimizer step
 * @param totals of the step, where other processes make a part of it
 */
export function toMicroBatches(
  parts: Group[][],
  objective: Objective,
  totals: StepTotals = totalsOf(parts),
): MicroBatch[] {
  const batches = parts.map((groups) =>
    toBatch({
      prompts: groups.map(({ prompt }) => prompt),
      completions: groups.map(({ completions }) => completions),
    }),
  );
  return batches.map((batch, i) => {
    const { offsets } = batch.layout;
    const advantages = new Float64Array(offsets.at(-1)!);
    const known = parts[i]!.flatMap((group) => group.advantages);
    for (const [j, advantage] of known.entries()) advantages.fill(advantage ?? 0, offsets[j]!, offsets[j + 1]!);
    const counts = parts[i]!.flatMap(learnedFrom);
    const { loss_type: lossType, max_completion_length: maxCompletionLength } = objective;
    return { batch, advantages, weights: tokenWeights({ lossType, offsets, counts, totals, maxCompletionLength }) };
  });
}

/** Of each completion of a group, whether it is learned from. `[G]` */
const learnedFrom = ({ advantages, masked }: Group): boolean[] =>
  advantages.map((advantage, g) => advantage !== null && !masked?.[g]);

function totalsOf(parts: Group[][]): StepTotals {
  const groups = parts.flat();
  const known = groups.flatMap(({ advantages }) => advantages.filter((advantage) => advantage !== null));
  const counts = groups.flatMap(learnedFrom);
  const lengths = groups.flatMap(({ completions }) => completions.map(({ length }) => length));
  const tokens = lengths.reduce((sum, length, i) => sum + (counts[i] ? length : 0), 0);
  return { sequences: known.length, tokens, microBatches: parts.length };
}

/**
 * Adds the gradient of the GRPO loss of a micro-batch to the policy's parameters.
 *
 * @param pass over its prompts with the weights as they are, if rollout kept one; it is used up
 */
export function accumulateGrpo({
  policy,
  microBatch,
  objective,
  pass,
}: {
  policy: Policy;
  microBatch: MicroBatch;
  objective: Objective;
  pass?: PromptPass;
}): MicroBatchSums {
  const { batch, advantages, weights, oldLogprobs, referenceLogprobs, importance } = microBatch;
  const { temperature } = objective;
  const sums = { loss: 0, kl: 0, clipped: 0 };
  const { logprobs, entropies } = policy.scoreBackward({
    batch,
    temperature,
    pass,
    needsAll: needsAllTokens(objective),
    gradient: (start, chunk) => {
      const end = start + chunk.logprobs.length;
      const terms: TokenTerms = {
        weights: weights.subarray(start, end),
        advantages: advantages.subarray(start, end),
        ...chunk,
        oldLogprobs: oldLogprobs?.subarray(start, end),
        referenceLogprobs: referenceLogprobs?.subarray(start, end),
        importance: importance?.subarray(start, end),
      };
      const parts = grpoLoss({ terms, offsets: batch.layout.offsets, objective });
      sums.loss += parts.loss;
      sums.kl += parts.kl;
      sums.clipped += parts.clippedLow + parts.clippedHigh;
      return parts.gradient;
    },
  });
  dispose(pass);
  const counted = entropies.filter((_, t) => weights[t] !== 0);
  return { ...sums, tokens: counted.length, entropy: counted.reduce((sum, x) => sum + x, 0), logprobs };
}
