import { LETTERS } from '../dataset/choice.js';
import { type Sample, TASKS, type TaskName } from '../dataset/sample.js';
import { expectedCompletion } from '../prompt/tasks.js';
import type { WeightedReward } from '../rewards/total.js';
import type { ConfidenceInterval } from '../statistics/bootstrap.js';
import { constantInterval } from './constant-interval.js';
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

/** Answers a sample as if its annotation said something else. */
interface Guesser {
  name: string;
  guess: (sample: Sample) => Partial<Sample>;
}

const GUESSERS: Partial<Record<TaskName, (train: readonly Sample[]) => Guesser[]>> = {
  qa: (train) => {
    const letter = mostFrequent(train.flatMap(({ answer }) => answer ?? []));
    const longest = ({ options = ['', '', '', ''] }: Sample) =>
      LETTERS.reduce((best, other, i) => (options[i]!.length > options[LETTERS.indexOf(best)]!.length ? other : best));
    return [
      ...(letter ? [{ name: `always ${letter}`, guess: () => ({ answer: letter }) }] : []),
      { name: 'longest option', guess: (sample) => ({ answer: longest(sample) }) },
    ];
  },
  tag: (train) => {
    const best = constantInterval(train.map(({ segment }) => segment));
    return [
      ...(best ? [{ name: `always ${best.start}–${best.end} s`, guess: () => ({ segment: best }) }] : []),
      { name: 'always normal', guess: () => ({ segment: { kind: 'normal' as const } }) },
    ];
  },
  cls: (train) => {
    const label = mostFrequent(train.flatMap((sample) => sample.class ?? []));
    return label ? [{ name: `always ${label}`, guess: () => ({ class: label }) }] : [];
  },
};

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
    const samples = held.filter((sample) => sample.task === task);
    const guessers = GUESSERS[task]?.(train.filter((sample) => sample.task === task)) ?? [];
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
    return [{ task, name: guesser, count: samples.length, metric, value, interval: { low, high }, reward, candidates }];
  });
}

/** The first of the most frequent items. */
function mostFrequent<T>(items: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].reduce<[T, number] | undefined>(
    (top, entry) => (top && top[1] >= entry[1] ? top : entry),
    undefined,
  )?.[0];
}

/** The mean reward of guessing blindly, over the samples of all tasks. */
export function blindReward(baselines: readonly BlindBaseline[]): number {
  const count = baselines.reduce((sum, one) => sum + one.count, 0);
  return baselines.reduce((sum, one) => sum + one.count * one.reward, 0) / count;
}
