import { toBatch } from '../policy/batch.js';
import type { Batch, Policy } from '../policy/policy.js';
import type { Prompt } from '../prompt/prompt.js';
import type { MicroBatchSums } from './micro-batch.js';

/** A prompt with the answer that it should get. */
export interface Demonstration {
  prompt: Prompt;
  /** Token ids. `[C]` */
  completion: Int32Array;
}

/** Demonstrations as the policy takes them, each prompt with one completion. */
export const toSftBatch = (part: Demonstration[]): Batch =>
  toBatch({
    prompts: part.map(({ prompt }) => prompt),
    completions: part.map(({ completion }) => [completion]),
  });

/**
 * Adds the gradient of −log p of the completions to the policy's parameters.
 *
 * @param weight what each token counts: 1 / completion tokens of the whole step
 */
export function accumulateSft(args: { policy: Policy; batch: Batch; weight: number }): MicroBatchSums {
  const { policy, batch, weight } = args;
  const { logprobs, entropies } = policy.scoreBackward({
    batch,
    temperature: 1,
    gradient: (_, chunk) => chunk.logprobs.map(() => -weight),
  });
  const loss = logprobs.reduce((sum, logprob) => sum - weight * logprob, 0);
  const entropy = entropies.reduce((sum, x) => sum + x, 0);
  return { loss, tokens: logprobs.length, kl: 0, clipped: 0, entropy, logprobs };
}
