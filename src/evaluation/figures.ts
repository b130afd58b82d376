import type { Sample } from '../dataset/sample.js';
import { bootstrapIntervals } from '../statistics/bootstrap.js';
import { membersOf, metricsOf } from '../tasks/measure.js';
import type { JudgedPrediction, Measure } from '../tasks/task.js';
import { byVideo } from './by-video.js';

/** A number of a report: with how much it is made of, and how far it could be off had other videos been drawn. */
export interface Figure {
  metric: string;
  value: number;
  /** Percentile bootstrap over videos, 95 %. */
  low: number;
  high: number;
  /** Samples. */
  count: number;
  better: 'higher' | 'lower';
  /** The best guesser on the same samples, who has seen no video. */
  blind?: { name: string; value: number };
  /** What each guesser gets. */
  guesses?: Record<string, number>;
  isDetail?: true;
}

/** Numbers that are made of samples. */
interface Counted {
  /** How many samples each is made of; left out: all. */
  count?: number;
  better?: Figure['better'];
  isDetail?: true;
}

/**
 * Figures of samples, whatever is known of each.
 *
 * @param statistics of some of the samples, which may come several times
 * @param about what else is to be told of a figure
 */
export function figuresOf<T extends { sample: Sample }>({
  items,
  statistics,
  seed,
  about = () => ({}),
}: {
  items: readonly T[];
  statistics: (items: readonly T[]) => Record<string, number>;
  seed: number;
  about?: (metric: string) => Counted;
}): Figure[] {
  const videos = byVideo(items);
  const values = Object.entries(statistics(items)).filter(([, value]) => Number.isFinite(value));
  const intervals = bootstrapIntervals({
    count: videos.length,
    statistics: (drawn) => statistics([...drawn].flatMap((i) => videos[i]!)),
    seed,
  });
  return values.map(([metric, value]) => ({
    metric,
    value,
    ...intervals[metric]!,
    count: items.length,
    better: 'higher',
    ...about(metric),
  }));
}

/** Figures of answers by a task's measures. */
export function measureFigures({
  judged,
  measures,
  seed,
}: {
  judged: readonly JudgedPrediction[];
  measures: readonly Measure[];
  seed: number;
}): Figure[] {
  const byName = new Map(measures.map((measure) => [measure.name, measure]));
  return figuresOf({
    items: judged,
    statistics: (items) => metricsOf(measures, items),
    seed,
    about: (metric) => {
      const measure = byName.get(metric)!;
      const { better, isDetail } = measure;
      return { better, count: membersOf(measure, judged).length, ...(isDetail && { isDetail }) };
    },
  });
}
