import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { Rewards } from '../rewards/rewards.js';
import type { ConfidenceInterval } from '../statistics/bootstrap.js';
import { TASKS } from '../tasks/index.js';
import type { Task } from '../tasks/task.js';
import { expectedCompletion } from '../tasks/words.js';
import { evaluatePredictions, scorePredictions } from './evaluate.js';

/** The best that a guesser does who has read the training annotations and never sees a video. */
export interface BlindBaseline {
  task: TaskName;
  /** Of the best guesser: `always A`, `longest option`, … */
  name: string;
  /** Held-out samples of the task. */
  count: number;
  /** The metric, as in an evaluation. */
  metric: string;
  value: number;
  interval: ConfidenceInterval;
  /** The mean reward of the guesser's answers, given in the right form; null where some of the rewards are not asked. */
  reward: number | null;
  /** The value of every guesser. */
  candidates: Record<string, number>;
}

interface BlindOptions {
  /** What the guessers learn from. */
  train: readonly Sample[];
  /** What they are measured on. */
  held: readonly Sample[];
  classes: readonly string[];
  /** Of the config; those that are not pure are not asked. */
  rewards: Rewards;
  /** Of the bootstrap. */
  seed: number;
}

/**
 * For each task of the held-out samples the best of the guessers, chosen on these samples themselves: the bar is never
 * too low.
 */
export async function blindBaselines(options: BlindOptions): Promise<BlindBaseline[]> {
  const baselines = await Promise.all(TASKS.map((task) => bestGuesser({ ...options, task })));
  return baselines.filter((one) => one !== undefined);
}

async function bestGuesser(options: BlindOptions & { task: Task }): Promise<BlindBaseline | undefined> {
  const { task, train, held, classes, rewards, seed } = options;
  const ofTask = (samples: readonly Sample[]) => samples.filter((sample) => sample.task === task.name);
  const samples = ofTask(held);
  const guessed = (task.guessers?.(ofTask(train)) ?? []).map(async ({ name, guess }) => {
    const predictions = samples.map((sample) => ({
      sample,
      text: expectedCompletion({ sample: { ...sample, ...guess(sample) }, style: 'direct' }),
    }));
    const how = { predictions, style: 'direct' as const, classes };
    const scores = await scorePredictions({ ...how, rewards: rewards.pure });
    const [evaluation] = evaluatePredictions({ ...how, scores, seed });
    return {
      guesser: name,
      headline: evaluation?.headline,
      reward: rewards.isPure ? (evaluation?.metrics.reward ?? 0) : null,
    };
  });
  const results = (await Promise.all(guessed)).flatMap(({ headline, ...one }) =>
    headline ? [{ ...one, headline }] : [],
  );
  const best = results.reduce<(typeof results)[number] | undefined>(
    (top, other) => (top && top.headline.value >= other.headline.value ? top : other),
    undefined,
  );
  if (!best) return undefined;
  const { guesser, reward } = best;
  const { name: metric, value, low, high } = best.headline;
  const candidates = Object.fromEntries(results.map(({ guesser: name, headline }) => [name, headline.value]));
  const interval = { low, high };
  return { task: task.name, name: guesser, count: samples.length, metric, value, interval, reward, candidates };
}

/** The mean reward of guessing blindly, over the samples of all tasks; null where that of one is not known. */
export function blindReward(baselines: readonly BlindBaseline[]): number | null {
  if (baselines.some(({ reward }) => reward === null)) return null;
  const count = baselines.reduce((sum, one) => sum + one.count, 0);
  return baselines.reduce((sum, one) => sum + one.count * one.reward!, 0) / count;
}
