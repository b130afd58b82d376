import { randomBits } from '../system/random.js';

export interface ConfidenceInterval {
  low: number;
  high: number;
}

interface BootstrapOptions {
  /** One value a sample; the statistic is their mean (an accuracy is the mean of zeros and ones). */
  values: readonly number[];
  seed: number;
  confidence?: number;
  resamples?: number;
}

/** Percentile bootstrap of a mean over samples (Efron 1979): how far it could be off had other samples been drawn. */
export function bootstrapInterval({
  values,
  seed,
  confidence = 0.95,
  resamples = 2000,
}: BootstrapOptions): ConfidenceInterval {
  const n = values.length;
  const means = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor((randomBits(seed, b, i) / 2 ** 32) * n)]!;
    means[b] = sum / n;
  }
  means.sort();
  const tail = (1 - confidence) / 2;
  const at = (quantile: number) => means[Math.round(quantile * (resamples - 1))]!;
  return { low: at(tail), high: at(1 - tail) };
}
