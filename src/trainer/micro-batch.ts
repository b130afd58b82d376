import type { Config } from '../config/schema.js';
import { toBatch } from '../policy/batch.js';
import type { Batch, Policy, PromptPass } from '../policy/policy.js';
import type { Prompt } from '../prompt/prompt.js';
import { dispose } from '../tensor/tensor.js';
import { grpoLoss, type LossType, type StepTotals, type TokenTerms, tokenWeights } from './loss.js';

/** A prompt with its G completions and what each is worth. */
export interface Group {
  prompt: Prompt;
  /** Token ids. `[G][C]` */
  completions: Int32Array[];
  /** `[G]`; null: nobody knows what the completion is worth, and it is not learned from. */
  advantages: (number | null)[];
}

/** Options of the GRPO objective, named as in the config. */
export interface Objective {
  temperature: number;
  beta: number;
  epsilon: number;
  epsilon_high: number;
  loss_type: LossType;
  max_completion_length: number;
}

export const objectiveOf = ({ grpo, rollout }: Config): Objective => ({
  temperature: rollout.temperature,
  max_completion_length: rollout.max_completion_length,
  beta: grpo.beta,
  epsilon: grpo.epsilon,
  epsilon_high: grpo.epsilon_high ?? grpo.epsilon,
  loss_type: grpo.loss_type,
});

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
    const counts = known.map((advantage) => advantage !== null);
    const { loss_type: lossType, max_completion_length: maxCompletionLength } = objective;
    return { batch, advantages, weights: tokenWeights({ lossType, offsets, counts, totals, maxCompletionLength }) };
  });
}

function totalsOf(parts: Group[][]): StepTotals {
  const counted = parts
    .flat()
    .flatMap(({ completions, advantages }) => completions.filter((_, g) => advantages[g] !== null));
  const tokens = counted.reduce((sum, { length }) => sum + length, 0);
  return { sequences: counted.length, tokens, microBatches: parts.length };
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
  const { beta, epsilon, epsilon_high: epsilonHigh, temperature } = objective;
  const sums = { loss: 0, kl: 0, clipped: 0 };
  const { logprobs, entropies } = policy.scoreBackward({
    batch,
    temperature,
    pass,
    gradient: (start, chunk) => {
      const end = start + chunk.length;
      const terms: TokenTerms = {
        weights: weights.subarray(start, end),
        advantages: advantages.subarray(start, end),
        logprobs: chunk,
        oldLogprobs: oldLogprobs?.subarray(start, end),
        referenceLogprobs: referenceLogprobs?.subarray(start, end),
        importance: importance?.subarray(start, end),
      };
      const parts = grpoLoss({ terms, beta, epsilon, epsilonHigh });
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
