import { z } from 'zod';
import type { RewardConfig } from '../../../src/config/rewards.js';
import type { Reward, RewardInput, Verdict } from '../../../src/rewards/reward.js';

/** A reward of nobody but these tests: somebody is asked who may not answer, or not the same another time. */
export const oracleOptions = z.strictObject({
  name: z.literal('oracle'),
  weight: z.number().default(1),
  /** An option of its own. */
  height: z.number().default(1),
});

type Answer = (asked: { group: readonly RewardInput[]; generation: number; height: number }) => Verdict;

/** What is answered from now on, and how often somebody has asked. */
export const oracle = { answer: (() => ({ score: 0 })) as Answer, groups: 0, open: 0, isSilent: false };

export const oracleReward: Reward = {
  name: 'oracle',
  appliesTo: (task) => task !== 'cls',
  open: async (options: RewardConfig, { signal }) => {
    const { height } = options as unknown as z.output<typeof oracleOptions>;
    oracle.open += 1;
    return {
      cost: 'remote',
      scoreGroup: async (group) => {
        oracle.groups += 1;
        if (oracle.isSilent) await untilAborted(signal);
        return group.map((_, generation) => oracle.answer({ group, generation, height }));
      },
      close: async () => {
        oracle.open -= 1;
      },
    };
  },
};

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason));
  });
