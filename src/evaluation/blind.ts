import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { WeightedReward } from '../rewards/total.js';
import type { ConfidenceInterval } from '../statistics/bootstrap.js';
import { TASKS } from '../tasks/index.js';
import { expectedCompletion } from '../tasks/words.js';
import { evaluatePredictions } from './evaluate.js';

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
  /** The mean reward of the guesser's answers, given in the right form. */
  reward: number;
  /** The value of every guesser. */
  candidates: Record<string, number>;
}

interface BlindOptions {
  /** What the guessers learn from. */
  train: readonly Sample[];
  /** What they are measured on. */
  held: readonly Sample[];
  classes: readonly string[];
  /** The reward terms of the config. */
  terms: readonly WeightedReward[];
  /** Of the bootstrap. */
  seed: number;
}

/**
 * For each task of the held-out samples the best of the guessers, chosen on these samples themselves: the bar is never
 * too low.
 */
export function blindBaselines({ train, held, classes, terms, seed }: BlindOptions): BlindBaseline[] {
  return TASKS.flatMap((task) => {
    const ofTask = (samples: readonly Sample[]) => samples.filter((sample) => sample.task === task.name);
    const samples = ofTask(held);
    const guessers = task.guessers?.(ofTask(train)) ?? [];
    const results = guessers.flatMap(({ name, guess }) => {
      const predictions = samples.map((sample) => ({
        sample,
        text: expectedCompletion({ sample: { ...sample, ...guess(sample) }, style: 'direct' }),
      }));
      const [evaluation] = evaluatePredictions({ predictions, style: 'direct', classes, terms, seed });
      return evaluation?.headline
        ? [{ guesser: name, headline: evaluation.headline, reward: evaluation.metrics.reward ?? 0 }]
        : [];
    });
    const best = results.reduce<(typeof results)[number] | undefined>(
      (top, other) => (top && top.headline.value >= other.headline.value ? top : other),
      undefined,
    );
    if (!best) return [];
    const { name: metric, value, low, high } = best.headline;
    const candidates = Object.fromEntries(results.map(({ guesser, headline }) => [guesser, headline.value]));
    const { guesser, reward } = best;
    const interval = { low, high };
    return [{ task: task.name, name: guesser, count: samples.length, metric, value, interval, reward, candidates }];
  });
}

/** The mean reward of guessing blindly, over the samples of all tasks. */
export function blindReward(baselines: readonly BlindBaseline[]): number {
  const count = baselines.reduce((sum, one) => sum + one.count, 0);
  return baselines.reduce((sum, one) => sum + one.count * one.reward, 0) / count;
}
