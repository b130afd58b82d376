/**
 * Cohen's kappa with quadratic weights (Cohen 1968): how far two who grade the same things on a scale agree beyond chance;
 * 1: always. NaN where chance alone would make them agree (both always give one grade). As scikit-learn's
 * `cohen_kappa_score(weights="quadratic")` with all grades from the least to the greatest as labels.
 *
 * @param grades whole numbers, one of each for every thing
 */
export function weightedKappa(grades: readonly (readonly [number, number])[]): number {
  const n = grades.length;
  const observed = grades.reduce((sum, [a, b]) => sum + (a - b) ** 2, 0) / n;
  const [first, second] = [countsOf(grades.map(([a]) => a)), countsOf(grades.map(([, b]) => b))];
  let expected = 0;
  for (const [a, countA] of first)
    for (const [b, countB] of second) expected += (countA / n) * (countB / n) * (a - b) ** 2;
  return 1 - observed / expected;
}

function countsOf(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
