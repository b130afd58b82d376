export const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

/** The mean of numbers; NaN of none. */
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The unbiased one (n − 1); 0 of a single value, and of equal ones (measured from the first, they leave no rounding). */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const shifted = values.map((x) => x - values[0]!);
  const center = mean(shifted);
  const squares = shifted.reduce((sum, x) => sum + (x - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
