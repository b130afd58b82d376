import { setImmediate } from 'node:timers/promises';
import type { PromptPass } from '../policy/policy.js';
import type { Completion } from '../rollout/completion.js';
import type { Rollout } from '../rollout/engine.js';
import { dispose } from '../tensor/tensor.js';
import type { StepContext, StepInput } from './context.js';
import type { PromptedSample } from './data-stream.js';
import { hasNoSpread, type JudgedGroup } from './judged-group.js';
import type { Stopwatch } from './metrics.js';
import { referenceLogprobs } from './reference-logprobs.js';
import { beginRollout, endRollout } from './roll-out.js';
import { scoreAll } from './score.js';
import { allShares, ownShare } from './shares.js';

/** The groups of a step, of this process. */
export interface DrawnGroups {
  /** Those that are learned from, one for each of its places. */
  groups: JudgedGroup[];
  /** Those without a spread of rewards that others were drawn for. */
  passedOver: JudgedGroup[];
  behaviour: Rollout['behaviour'];
  /** Tries of a server that came to nothing, by kind. */
  faults: Readonly<Record<string, number>>;
  /** Over the prompts of `groups`, where one was kept; the caller disposes of it. */
  pass: PromptPass | null;
  /** The reference's log-probs of the micro-batches, where they were computed while rewards were waited for. */
  reference: Float32Array[] | null;
}

/**
 * Draws the prompts of a step, samples their completions and has them judged. With `dynamic_sampling` (DAPO, Yu et al.
 * 2025) a group without a spread of rewards makes room for another, no more than `max_resample_times` times; what has none
 * even then stays. It is the spread that counts, not the mean: equal overlaps of 0.4 teach nothing either.
 *
 * @throws Interrupted in all processes, when one of them was interrupted while it waited for an answer
 */
export async function drawGroups(context: StepContext, input: StepInput): Promise<DrawnGroups> {
  const { config, group } = context;
  const { dynamic_sampling: isDynamic, max_resample_times: most } = config.grpo;
  const drawn: DrawnGroups = { ...(await drawRound(context, input)), passedOver: [] };
  for (let time = 0; isDynamic && time < most; time++) {
    const isDead = await allShares(
      group,
      drawn.groups.map(({ scores }) => hasNoSpread(scores)),
    );
    const places = [...isDead.keys()].filter((place) => isDead[place]);
    if (places.length === 0) break;
    // The pass is over prompts that are no longer those of the step.
    dispose(drawn.pass);
    drawn.pass = null;
    const { groups: others } = await drawRound(context, input, places);
    const own = ownShare(group, isDead);
    drawn.passedOver.push(...drawn.groups.filter((_, i) => own[i]));
    drawn.groups = drawn.groups.map((old, i) => (own[i] ? others.shift()! : old));
  }
  return drawn;
}

/** @param places of the whole step that are drawn for. Left out: all */
async function drawRound(
  context: StepContext,
  { step, draw, begun: ahead, beginNext, clock }: StepInput,
  places?: readonly number[],
): Promise<Omit<DrawnGroups, 'passedOver'>> {
  const ready = (places === undefined && ahead) || null;
  const samples = ready?.samples ?? (await draw(places));
  const begin = () => beginRollout({ context, step, done: step - 1, samples });
  const rollOut = async () => endRollout(context, ready ?? (await begin()));
  const { completions, behaviour, pass, faults = {} } = await clock.measure('rollout', rollOut);
  await beginNext?.();
  const texts = completions.map((own) => own.map(({ tokenIds }) => toText(context, tokenIds)));
  const scoring = scoreAll({ context, step, samples, texts, completions, clock });
  try {
    const reference = waits(context) ? await meanwhile({ context, samples, completions, clock, scoring }) : null;
    const scores = await clock.measure('reward', () => scoring);
    const groups = samples.map((sample, b) => ({
      ...sample,
      completions: completions[b]!,
      texts: texts[b]!,
      scores: scores[b]!,
    }));
    return { groups, behaviour, faults, pass, reference };
  } catch (error) {
    dispose(pass);
    throw error;
  }
}

/** Whether somebody else is asked for rewards, and the groups stay what they are whatever is said. */
const waits = ({ config, rewards }: StepContext) => rewards.asksOthers && !config.grpo.dynamic_sampling;

/** What can be computed before the rewards are there: they are asked for first. */
async function meanwhile(args: {
  context: StepContext;
  samples: PromptedSample[];
  completions: Completion[][];
  clock: Stopwatch;
  scoring: Promise<unknown>;
}): Promise<Float32Array[] | null> {
  const { context, samples, completions, clock, scoring } = args;
  // If it fails meanwhile, it is told where it is waited for.
  scoring.catch(() => {});
  // The questions have to leave this thread before it computes.
  await setImmediate();
  const groups = samples.map(({ prompt }, b) => ({ prompt, completions: completions[b]! }));
  return clock.measure('reference', () => referenceLogprobs({ context, groups }));
}

const toText = ({ models }: StepContext, tokenIds: Int32Array): string =>
  models.processor.tokenizer.decode(tokenIds, { skipSpecialTokens: true });
