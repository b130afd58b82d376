import type { StepContext } from './context.js';
import type { JudgedGroup } from './judged-group.js';

/**
 * The lines of `completions.jsonl` for groups of a step.
 *
 * @param advantages `[B][G]`. Left out: the groups are not learned from
 */
export function completionRecords(args: {
  context: StepContext;
  step: number;
  groups: JudgedGroup[];
  advantages?: (number | null)[][];
}): object[] {
  const { context, step, groups, advantages } = args;
  const { tokenizer, visionTokenIds } = context.models.processor;
  return groups.flatMap(({ sample, prompt, completions, texts, scores, isGuided }, b) => {
    // One vision token stands for all that are next to each other.
    const shown = prompt.tokenIds.filter((id, i) => !visionTokenIds.includes(id) || prompt.tokenIds[i - 1] !== id);
    const promptText = tokenizer.decode(shown);
    return completions.map(({ tokenIds, logprobs, truncated }, generation) => ({
      step,
      sample_id: sample.id,
      generation,
      prompt: promptText,
      text: texts[generation]!,
      completion_ids: tokenIds,
      logprobs,
      ...scores[generation]!,
      advantage: advantages?.[b]?.[generation] ?? null,
      truncated,
      ...(advantages === undefined && { passed_over: true }),
      ...(isGuided && generation === 0 && { annotated: true }),
    }));
  });
}
