import { encodeCompletion } from '../prompt/build.js';
import { commonAnswer } from '../tasks/judge.js';
import { expectedCompletion } from '../tasks/words.js';
import type { StepContext } from './context.js';
import { hasNoSpread, type JudgedGroup } from './judged-group.js';

/**
 * Where all completions of a group are wrong and worth the same, the annotated answer takes the place of the first
 * (`guide_all_wrong`), after LUFFY (Yan et al. 2025): it enters the group's mean and deviation like any other, and is
 * learned from as if the policy had drawn it. A policy that is certain of a wrong answer has no gradient of its own that
 * would lead away from it, and neither has the KL divergence.
 *
 * @returns the groups; those that are not guided as they were
 */
export async function withGuidance(context: StepContext, groups: JudgedGroup[]): Promise<JudgedGroup[]> {
  if (!context.config.grpo.guide_all_wrong) return groups;
  return Promise.all(groups.map((group) => guided(context, group)));
}

async function guided(context: StepContext, group: JudgedGroup): Promise<JudgedGroup> {
  const { config, classes, models, rewards } = context;
  const { sample, texts, scores, completions } = group;
  const style = config.data.prompt;
  if (!hasNoSpread(scores) || commonAnswer({ sample, texts, style, classes }).right !== false) return group;
  const text = expectedCompletion({ sample, style });
  const tokenIds = encodeCompletion({ processor: models.processor, text });
  const { length } = tokenIds;
  const input = { text, tokens: length, sample, style, classes };
  const [score] = await rewards.pure.scoreGroup([input]);
  const known = scores.flatMap(({ reward }) => reward ?? []);
  // What rewards do not hold for better is no guide.
  const isBetter = score!.reward !== null && known.every((reward) => reward < score!.reward!);
  if (!isBetter || length > config.rollout.max_completion_length) return group;
  const annotated = { tokenIds, logprobs: new Float32Array(length).fill(Number.NaN), truncated: false };
  const inPlace = <T>(list: T[], first: T): T[] => [first, ...list.slice(1)];
  return {
    ...group,
    completions: inPlace(completions, annotated),
    texts: inPlace(texts, text),
    scores: inPlace(scores, score!),
    isGuided: true,
  };
}
