import type { JudgeOptions } from '../config/judge-options.js';
import { billText } from '../judge/bill-text.js';
import type { Bill } from '../judge/spending.js';
import { RunError } from '../system/errors.js';
import type { Reward, RewardContext, RewardInput, Verdict } from './reward.js';
import { ScoringThread } from './scoring-thread.js';

/** What the judge's thread says of a group. */
export interface JudgedGroupReply {
  verdicts: Verdict[];
  /** Of all that was asked so far. */
  bill: Bill;
}

/** Seconds that the thread has to tell that nothing came in time. */
const GRACE = 10;

/**
 * A language model's grades of descriptions: VAU-Eval's total, of 50, as a part of 1. It is asked in a thread of its own,
 * which goes on while the policy computes; a group that has no grades by the deadline counts as not judged.
 */
export const judgeReward: Reward = {
  name: 'judge',
  appliesTo: (task) => task === 'reasoning',
  open: async (_, context) => {
    const options = optionsOf(context);
    let bill: Bill | undefined;
    const thread = new ScoringThread({
      script: 'judge-worker.js',
      data: options,
      timeoutMs: (options.step_deadline_s + GRACE) * 1000,
      // How many questions go out at a time is the judge's affair.
      concurrency: Number.POSITIVE_INFINITY,
      signal: context.signal,
    });
    await thread.start();
    const scoreGroup = async (group: readonly RewardInput[]): Promise<Verdict[]> => {
      try {
        const reply = (await thread.score(group)) as JudgedGroupReply;
        bill = reply.bill;
        return reply.verdicts;
      } catch (error) {
        context.signal.throwIfAborted();
        return group.map(() => ({ failed: (error as Error).message }));
      }
    };
    const close = async () => {
      await thread.close();
      if (bill !== undefined) context.say?.(billText(bill));
    };
    return { cost: 'remote', scoreGroup, close };
  },
};

function optionsOf({ judge }: RewardContext): JudgeOptions {
  if (judge !== undefined) return judge;
  const message = 'the reward judge needs to know whom to ask: give the config a judge, with base_url and model';
  throw new RunError({ code: 'REWARD_JUDGE', message });
}
