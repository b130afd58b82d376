import { mean } from './moments.js';

/**
 * The mean of the middle half: a quarter of the values is left out at each end, rounded down (Agarwal et al. 2021; as
 * scipy's `trim_mean(values, 0.25)`). NaN of none.
 */
export function interquartileMean(values: readonly number[]): number {
  const cut = Math.floor(values.length / 4);
  const sorted = values.toSorted((a, b) => a - b);
  return mean(sorted.slice(cut, sorted.length - cut));
}
