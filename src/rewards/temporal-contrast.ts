import { onlyVideo } from '../dataset/visual.js';
import { shuffled } from '../prompt/frame-changes.js';
import { ratio } from '../statistics/ratio.js';
import { parseCompletion } from '../tasks/completion.js';
import { isRight } from '../tasks/judge.js';
import { taskNamed } from '../tasks/named.js';
import type { PolicyAsker } from './policy-asker.js';
import type { OptionsOf, Reward, RewardInput, Verdict } from './reward.js';

/**
 * T-GRPO (Video-R1, Feng et al. 2025): the policy is also asked about the same frames in another order. Where at least
 * `threshold` times as many answers are right in order as shuffled, each right one gets 1, else none does: what can be
 * answered without the order is not rewarded. The paper's weight is 0.3.
 */
export const temporalContrastReward: Reward = {
  name: 'temporal_contrast',
  appliesTo: (task) => taskNamed(task).right !== undefined,
  open: async (given, { num_generations }) => {
    const options = given as OptionsOf<'temporal_contrast'>;
    const count = options.num_generations ?? Math.max(1, Math.floor(num_generations / 2));
    return {
      cost: 'policy',
      scoreGroup: (group, policy) => scoreGroup({ group, policy, count, threshold: options.threshold }),
      close: async () => {},
    };
  },
};

async function scoreGroup(args: {
  group: readonly RewardInput[];
  policy: PolicyAsker;
  count: number;
  threshold: number;
}): Promise<Verdict[]> {
  const { group, policy, count, threshold } = args;
  const { sample } = group[0]!;
  if (onlyVideo(sample.visuals) === undefined) return group.map(() => ({ skipped: true }));
  const [texts] = await policy([{ sample, change: shuffled({ key: sample.id }), count, greedy: false }]);
  if (!texts) return group.map(() => ({ skipped: true }));
  const right = (input: RewardInput) => isRight({ sample, parsed: parseCompletion(input) });
  const inOrder = group.map(right);
  const isWon = ratio(inOrder, Boolean) >= threshold * ratio(texts, (text) => right({ ...group[0]!, text }));
  return inOrder.map((isOne) => ({ score: isOne && isWon ? 1 : 0 }));
}
