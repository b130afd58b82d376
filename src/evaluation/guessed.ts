import type { Sample } from '../dataset/sample.js';
import { judge } from '../tasks/judge.js';
import { metricsOf } from '../tasks/measure.js';
import { taskNamed } from '../tasks/named.js';
import type { Measure } from '../tasks/task.js';
import { expectedCompletion } from '../tasks/words.js';
import type { Figure } from './figures.js';

/** What a guesser gets on some samples, by metric. */
export interface GuessedMetrics {
  name: string;
  metrics: Record<string, number>;
}

/**
 * What each guesser gets who has read training annotations and sees no video.
 *
 * @param samples of one task; they are what it is measured on
 * @param train what it has read
 */
export function guessedMetrics({
  samples,
  train,
  measures,
  classes,
}: {
  samples: readonly Sample[];
  train: readonly Sample[];
  measures: readonly Measure[];
  classes: readonly string[];
}): GuessedMetrics[] {
  const [first] = samples;
  if (first === undefined) return [];
  const guessers = taskNamed(first.task).guessers?.(train.filter(({ task }) => task === first.task)) ?? [];
  return guessers.map(({ name, guess }) => {
    const predictions = samples.map((sample) => ({
      sample,
      text: expectedCompletion({ sample: { ...sample, ...guess(sample) }, style: 'direct' }),
    }));
    return { name, metrics: metricsOf(measures, judge({ predictions, style: 'direct', classes })) };
  });
}

/** What guessers get in one metric, for a figure of it: all of them, and the best. The bar is never too low. */
export function guessesAt(
  guessed: readonly GuessedMetrics[],
  { metric, better }: { metric: string; better: Measure['better'] },
): Pick<Figure, 'blind' | 'guesses'> {
  const sign = better === 'higher' ? 1 : -1;
  const known = guessed.flatMap(({ name, metrics }) =>
    metrics[metric] === undefined ? [] : [{ name, value: metrics[metric] }],
  );
  if (known.length === 0) return {};
  const blind = known.reduce((top, other) => (sign * top.value >= sign * other.value ? top : other));
  return { blind, guesses: Object.fromEntries(known.map(({ name, value }) => [name, value])) };
}
