import pLimit from 'p-limit';
import { anyOf } from '../parallel/gather.js';
import type { RewardScores } from '../rewards/scores.js';
import type { Completion } from '../rollout/completion.js';
import { Interrupted } from '../system/interrupted.js';
import { askPolicy } from './ask-policy.js';
import type { StepContext } from './context.js';
import type { PromptedSample } from './data-stream.js';
import type { Stopwatch } from './metrics.js';

/**
 * The rewards of a step's completions, `[B][G]`. What others were asked for is on the disk when it returns.
 *
 * @throws Interrupted in all processes, when one of them was interrupted while it waited for an answer
 */
export async function scoreAll(args: {
  context: StepContext;
  step: number;
  samples: PromptedSample[];
  texts: string[][];
  completions: Completion[][];
  clock: Stopwatch;
}): Promise<RewardScores[][]> {
  const { context, step, samples, texts, completions, clock } = args;
  const { config, classes, rewards, verdicts, group } = context;
  const turn = pLimit(1);
  const asked = samples.map(({ sample, occurrence }, b) => {
    const inputs = texts[b]!.map((text, g) => {
      const tokens = completions[b]![g]!.tokenIds.length;
      return { text, tokens, sample, style: config.data.prompt, classes };
    });
    const again = occurrence > 0 ? { occurrence } : {};
    const memory = verdicts?.memory({ step, sample_id: sample.id, ...again });
    return rewards.scoreGroup(inputs, {
      memory,
      policy: askPolicy({ context, step, sample: { sample, occurrence }, clock, turn }),
    });
  });
  if (verdicts === null) return Promise.all(asked);
  const scores = await Promise.all(asked).catch((error) => {
    if (error instanceof Interrupted) return null;
    throw error;
  });
  await verdicts.write();
  if (await anyOf(group, scores === null)) throw new Interrupted();
  return scores!;
}

/** What people should be told of rewards that could not find out, over all processes. */
export function failureNotes(step: number, groups: RewardScores[][]): string[] {
  const all = groups.flat();
  const names = [...new Set(all.flatMap(({ failed = {} }) => Object.keys(failed)))];
  return names.map((name) => {
    const reasons = all.flatMap(({ failed }) => failed?.[name] ?? []);
    return `step ${step}: the reward ${name} failed for ${reasons.length} of ${all.length} completions (${reasons[0]})`;
  });
}
