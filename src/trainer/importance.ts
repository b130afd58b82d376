import type { ProcessGroup } from '../parallel/process-group.js';
import type { Completion } from '../rollout/completion.js';
import type { StepContext } from './context.js';
import { bySequence, total } from './loss/by-sequence.js';
import type { MicroBatch } from './micro-batch.js';

/** How weights outside the bounds are treated, and what they are of; TRL's `vllm_importance_sampling_mode`. */
export type ImportanceMode = 'token_truncate' | 'token_mask' | 'sequence_truncate' | 'sequence_mask';

/**
 * What each token counts where another sampler's log-probs were recorded: w = π_old / π_behaviour, of the token or of its
 * whole sequence, no more than `clipMax` (`truncate`), or 0 beyond it (`mask`). It is a constant in the gradient. A token
 * whose log-prob is not known (NaN) counts as if both agreed.
 *
 * @param offsets completion i owns tokens offsets[i] … offsets[i + 1]. `[n + 1]`
 * @returns `[M]`
 */
export function importanceWeights(args: {
  oldLogprobs: Float32Array;
  behaviourLogprobs: Float32Array;
  offsets: Int32Array;
  mode: ImportanceMode;
  clipMax: number;
}): Float64Array {
  const { oldLogprobs, behaviourLogprobs, offsets, mode, clipMax } = args;
  const logs = Float64Array.from(oldLogprobs, (old, t) => {
    const log = old - behaviourLogprobs[t]!;
    return Number.isNaN(log) ? 0 : log;
  });
  const ratios = mode.startsWith('sequence') ? bySequence(logs, offsets, total) : logs;
  const beyond = mode.endsWith('mask') ? 0 : clipMax;
  return ratios.map(Math.exp).map((weight) => (weight > clipMax ? beyond : weight));
}

/**
 * Corrects for a sampler that was not the policy. π_old is the policy's as it is, in a pass of its own: the ratio of a
 * sequence is not known before its last token.
 *
 * @param completions of the micro-batch, with the log-probs that the sampler recorded. `[B][G]`
 */
export function addImportance(args: {
  context: StepContext;
  microBatch: MicroBatch;
  completions: Completion[][];
}): void {
  const { context, microBatch, completions } = args;
  const { config, models } = context;
  const { importance_sampling_mode: mode = 'token_truncate', importance_sampling_clip_max: clipMax = 3 } = config.grpo;
  const { batch } = microBatch;
  const { logprobs: oldLogprobs } = models.policy.score({ batch, temperature: config.rollout.temperature });
  const behaviourLogprobs = Float32Array.from(completions.flat().flatMap(({ logprobs }) => [...logprobs]));
  microBatch.oldLogprobs = oldLogprobs;
  microBatch.behaviourLogprobs = behaviourLogprobs;
  microBatch.importance = importanceWeights({
    oldLogprobs,
    behaviourLogprobs,
    offsets: batch.layout.offsets,
    mode,
    clipMax,
  });
}

/** What the tokens of the step count, and how far the sampler's log-probs are from the policy's, in all processes. */
export async function gatherImportance(
  group: ProcessGroup,
  microBatches: MicroBatch[],
): Promise<{ weights: number[]; differences: number[] }> {
  const gather = async (own: number[]) => (await group.gather(Float64Array.from(own))).flatMap((all) => [...all]);
  const weights = await gather(microBatches.flatMap(({ importance }) => [...importance!]));
  const differences = microBatches.flatMap(({ oldLogprobs, behaviourLogprobs }) =>
    Array.from(oldLogprobs!, (old, t) => Math.abs(old - behaviourLogprobs![t]!)),
  );
  // Not known of tokens that nobody has sampled.
  return { weights, differences: (await gather(differences)).filter((difference) => !Number.isNaN(difference)) };
}
