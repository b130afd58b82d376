import path from 'node:path';
import { type RewardConfig, termName } from '../config/rewards.js';
import { RunError } from '../system/errors.js';
import { fileExists } from '../system/file-exists.js';

import type { OptionsOf, Reward, RewardInput, Verdict } from './reward.js';
import { ScoringThread } from './scoring-thread.js';

/**
 * A reward of the user's own: the default export of a TypeScript or JavaScript module (`RewardFunction`). It runs in a
 * thread of its own, so that one that hangs, for ever or in a loop, can be stopped; what it throws, and what is no score,
 * is a verdict that has failed.
 */
export const moduleReward: Reward = {
  name: 'module',
  appliesTo: () => true,
  open: async (given: RewardConfig, { signal }) => {
    const options = given as OptionsOf<'module'>;
    const thread = new ScoringThread({
      script: 'module-worker.js',
      data: { file: path.resolve(options.path) },
      timeoutMs: options.timeout_s * 1000,
      concurrency: options.concurrency,
      signal,
    });
    if (!(await fileExists(options.path))) throw broken(options, 'there is no such file');
    await thread.start().catch((error: Error) => {
      throw broken(options, error.message);
    });
    return {
      cost: 'remote',
      scoreGroup: (group) =>
        thread.score(group).then(
          (returned) => verdictsOf(returned, group),
          (error: Error) => {
            signal.throwIfAborted();
            return group.map(() => ({ failed: error.message }));
          },
        ),
      close: () => thread.close(),
    };
  },
};

function broken(options: OptionsOf<'module'>, why: string): RunError {
  const message = `the reward ${termName(options)} (${options.path}) cannot be used: ${why}`;
  return new RunError({ code: 'REWARD_MODULE', message });
}

/** One finite number or null for each completion; anything else is a failure that names the completion. */
function verdictsOf(returned: unknown, group: readonly RewardInput[]): Verdict[] {
  if (!Array.isArray(returned)) return group.map(() => ({ failed: `it returned ${shown(returned)}, not a list` }));
  if (returned.length !== group.length)
    return group.map(() => ({ failed: `it returned ${returned.length} scores for ${group.length} completions` }));
  return Array.from(returned, (value: unknown, g): Verdict => {
    if (value === null) return { skipped: true };
    if (typeof value === 'number' && Number.isFinite(value)) return { score: value };
    return { failed: `it returned ${shown(value)} for completion ${g}, neither a finite number nor null` };
  });
}

const shown = (value: unknown): string =>
  typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value).slice(0, 80) : String(value);
