import type { StepContext } from './context.js';
import type { JudgedGroup } from './judged-group.js';

/** Takes so many numbers after those that were taken before. */
function inTurn(parts: readonly Float32Array[] | null): (count: number) => Float32Array {
  const all = Float32Array.from((parts ?? []).flatMap((part) => [...part]));
  let taken = 0;
  return (count) => {
    taken += count;
    return all.slice(taken - count, taken);
  };
}

/**
 * The lines of `completions.jsonl` for groups of a step.
 *
 * @param advantages `[B][G]`. Left out: the groups are not learned from
 * @param reference the reference's log-probs of all their completions, one after the other; null without one
 */
export function completionRecords(args: {
  context: StepContext;
  step: number;
  groups: JudgedGroup[];
  advantages?: (number | null)[][];
  reference?: readonly Float32Array[] | null;
}): object[] {
  const { context, step, groups, advantages } = args;
  const referenceOf = inTurn(args.reference ?? null);
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
      ...(args.reference && { ref_logprobs: referenceOf(tokenIds.length) }),
      ...scores[generation]!,
      advantage: advantages?.[b]?.[generation] ?? null,
      truncated,
      ...(advantages === undefined && { passed_over: true }),
      ...(isGuided && generation === 0 && { annotated: true }),
    }));
  });
}
