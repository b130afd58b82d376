import { randomBits } from '../system/random.js';
import { sum } from './moments.js';

export interface ConfidenceInterval {
  low: number;
  high: number;
}

/** How intervals are drawn. */
interface BootstrapOptions {
  seed: number;
  confidence?: number;
  resamples?: number;
}

const RESAMPLES = 2000;

/**
 * Percentile bootstrap of a mean (Efron 1979): how far it could be off had other samples been drawn. Where several values
 * are of one thing (questions about one video), things are drawn, each with all its values.
 *
 * @param clusters the values, thing by thing
 */
export function bootstrapInterval({
  clusters,
  ...options
}: BootstrapOptions & { clusters: readonly (readonly number[])[] }): ConfidenceInterval {
  const sums = clusters.map(sum);
  const statistic = (drawn: Int32Array): number => {
    let total = 0;
    let count = 0;
    for (const i of drawn) {
      total += sums[i]!;
      count += clusters[i]!.length;
    }
    return total / count;
  };
  const { seed, resamples = RESAMPLES } = options;
  const values = Array.from({ length: resamples }, (_, b) => statistic(draw({ seed, b, count: clusters.length })));
  return percentiles(values, options)!;
}

/**
 * The same of any numbers that are made of the samples, all from the same draws. One that is not finite in a draw (nobody
 * of a class was drawn) is left out of it.
 *
 * @param count things to draw
 * @param statistics of the things with these numbers, some of them several times
 * @returns an interval for each name
 */
export function bootstrapIntervals({
  count,
  statistics,
  ...options
}: BootstrapOptions & {
  count: number;
  statistics: (drawn: Int32Array) => Record<string, number>;
}): Record<string, ConfidenceInterval> {
  const { seed, resamples = RESAMPLES } = options;
  const values = new Map<string, number[]>();
  for (let b = 0; b < resamples; b++) {
    for (const [name, value] of Object.entries(statistics(draw({ seed, b, count })))) {
      if (!Number.isFinite(value)) continue;
      const known = values.get(name);
      if (known) known.push(value);
      else values.set(name, [value]);
    }
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, percentiles(list, options)!]));
}

/** Numbers of things, drawn with replacement: a function of the seed and of which draw it is. */
function draw({ seed, b, count }: { seed: number; b: number; count: number }): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => Math.floor((randomBits(seed, b, i) / 2 ** 32) * count));
}

function percentiles(values: readonly number[], { confidence = 0.95 }: BootstrapOptions): ConfidenceInterval {
  const sorted = Float64Array.from(values).sort();
  const tail = (1 - confidence) / 2;
  const at = (quantile: number) => sorted[Math.round(quantile * (sorted.length - 1))]!;
  return { low: at(tail), high: at(1 - tail) };
}
