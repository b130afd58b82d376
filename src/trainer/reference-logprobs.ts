import { toBatch } from '../policy/batch.js';
import type { Prompt } from '../prompt/prompt.js';
import type { Completion } from '../rollout/completion.js';
import type { StepContext } from './context.js';
import { batching } from './step-batches.js';
import { chunks } from './update.js';

/**
 * The reference's log-probs of all completions, micro-batch by micro-batch. `[M]` each
 *
 * @returns null without a reference
 */
export function referenceLogprobs({
  context,
  groups,
}: {
  context: StepContext;
  groups: readonly { prompt: Prompt; completions: readonly Completion[] }[];
}): Float32Array[] | null {
  const { models, config } = context;
  const { reference } = models;
  if (reference === null || groups.length === 0) return null;
  const { temperature } = config.rollout;
  return chunks([...groups], batching(context).parts).map((part) => {
    const batch = toBatch({
      prompts: part.map(({ prompt }) => prompt),
      completions: part.map(({ completions }) => completions.map(({ tokenIds }) => tokenIds)),
    });
    return reference.score({ batch, temperature }).logprobs;
  });
}
