import type { RewardScores } from '../rewards/scores.js';
import type { Completion } from '../rollout/completion.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';

/** The lines of `completions.jsonl` for a step. */
export function completionRecords(args: {
  context: StepContext;
  step: number;
  samples: PromptedSample[];
  completions: Completion[][];
  texts: string[][];
  scores: RewardScores[][];
  advantages: (number | null)[][];
}): object[] {
  const { context, step, samples, completions, texts, scores, advantages } = args;
  const { tokenizer, visionTokenIds } = context.models.processor;
  return samples.flatMap(({ sample, prompt }, b) => {
    // One vision token stands for all that are next to each other.
    const shown = prompt.tokenIds.filter((id, i) => !visionTokenIds.includes(id) || prompt.tokenIds[i - 1] !== id);
    const promptText = tokenizer.decode(shown);
    return completions[b]!.map(({ tokenIds, logprobs, truncated }, generation) => ({
      step,
      sample_id: sample.id,
      generation,
      prompt: promptText,
      text: texts[b]![generation]!,
      completion_ids: tokenIds,
      logprobs,
      ...scores[b]![generation]!,
      advantage: advantages[b]![generation] ?? null,
      truncated,
    }));
  });
}
