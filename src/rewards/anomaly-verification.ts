import type { Segment } from '../dataset/sample.js';
import { onlyVideo } from '../dataset/visual.js';
import { cutOut, type FrameChange, trimmed } from '../prompt/frame-changes.js';
import { textKey } from '../system/random.js';
import { parseCompletion } from '../tasks/completion.js';
import { isGrounded } from '../tasks/named.js';
import type { PolicyAsker, PolicyQuestion } from './policy-asker.js';
import type { OptionsOf, Reward, RewardInput, Verdict } from './reward.js';

/**
 * Vad-R1's anomaly verification (Huang et al. 2025): the policy is asked again about the same video with something taken
 * out. A segment that was named earns `bonus` if the video is normal without it. A video that was called normal costs
 * `penalty` if it is abnormal without one of its ends: then it was not all looked at. Else 0; nothing can be said of what
 * leaves no frame.
 */
export const anomalyVerificationReward: Reward = {
  name: 'anomaly_verification',
  appliesTo: isGrounded,
  open: async (options) => ({
    cost: 'policy',
    scoreGroup: (group, policy) => scoreGroup({ group, policy, options: options as OptionsOf<'anomaly_verification'> }),
    close: async () => {},
  }),
};

async function scoreGroup(args: {
  group: readonly RewardInput[];
  policy: PolicyAsker;
  options: OptionsOf<'anomaly_verification'>;
}): Promise<Verdict[]> {
  const { group, policy, options } = args;
  const { sample } = group[0]!;
  if (onlyVideo(sample.visuals) === undefined) return group.map(() => ({ skipped: true }));
  const intervals = group.map((input) => parseCompletion(input).interval);
  // Completions that say the same are verified together.
  const keys = intervals.map((interval) => JSON.stringify(interval));
  const asked = new Map(keys.flatMap((key, i) => (intervals[i] === undefined ? [] : [[key, intervals[i]] as const])));
  const questions = [...asked.values()].map(
    (interval): PolicyQuestion => ({
      sample,
      change: withoutIt({ interval, trim: options.trim, id: sample.id }),
      count: 1,
      greedy: true,
    }),
  );
  const answers = await policy(questions);
  const verdictOn = (interval: Segment, text: string | undefined): Verdict => {
    if (text === undefined) return { skipped: true };
    const { answer } = parseCompletion({ ...group[0]!, text });
    if (interval.kind === 'interval') return { score: answer === 'Normal' ? options.bonus : 0 };
    return { score: answer === 'Anomaly' ? options.penalty : 0 };
  };
  const verdicts = new Map([...asked].map(([key, interval], i) => [key, verdictOn(interval, answers[i]?.[0])]));
  return keys.map((key) => verdicts.get(key) ?? { score: 0 });
}

/** Which end of a normal video goes depends on the sample alone. */
function withoutIt({ interval, trim, id }: { interval: Segment; trim: number; id: string }): FrameChange {
  if (interval.kind === 'interval') return cutOut(interval);
  return trimmed({ part: trim, end: textKey(id) % 2 === 0 ? 'first' : 'last' });
}
