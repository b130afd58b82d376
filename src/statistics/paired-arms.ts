import { randomBits } from '../system/random.js';
import { mean } from './moments.js';
import { studentCdf, studentQuantile } from './student.js';

/** What one arm of an experiment gets over another. */
export interface ArmDifference {
  /** The mean over seeds and videos. */
  difference: number;
  /** Of its 95 % interval. */
  low: number;
  high: number;
  /** Two-sided. */
  p: number;
  /** A difference of this size would be found in four of five such experiments. */
  detectable: number;
}

const [LEVEL, POWER] = [0.05, 0.8];
const RESAMPLES = 2000;

/**
 * Compares two arms on the same videos with the same seeds. Both are drawn from more that there could have been: how far
 * the difference could be off is what seeds and what videos add to its variance (a two-way random-effects analysis,
 * Satterthwaite's degrees of freedom), so that a handful of seeds is not taken for many. Away from 0 the interval has the
 * shape of a bootstrap over seeds × videos, drawn out to that width: a bootstrap of five seeds alone would be too narrow.
 *
 * @param differences of the arms, `[S][V]`: the mean over a video's samples; at least two seeds and two videos
 * @param weights of the videos: their samples. `[V]`
 * @param seed of the bootstrap
 */
export function pairedArms(args: {
  differences: readonly (readonly number[])[];
  weights: readonly number[];
  seed: number;
}): ArmDifference {
  const { differences, weights, seed } = args;
  const { difference, error, df } = varianceOf(differences, weights);
  if (error === 0) {
    return { difference, low: difference, high: difference, p: difference === 0 ? 1 : 0, detectable: 0 };
  }
  const reach = studentQuantile(1 - LEVEL / 2, df) * error;
  const [below, above] = bootstrapReach({ differences, weights, seed });
  const stretched = below + above === 0 ? 1 : (2 * reach) / (below + above);
  return {
    difference,
    // Towards 0 it is the t-test's own, so that interval and p never contradict each other.
    low: difference - (difference > 0 ? reach : stretched * below || reach),
    high: difference + (difference > 0 ? stretched * above || reach : reach),
    p: pairedP({ difference, error, df }),
    // An error that is estimated from little is on average too small (the c4 of quality control).
    detectable: reachOf(error, df) / (1 - 1 / (4 * df)),
  };
}

const pairedP = ({ difference, error, df }: { difference: number; error: number; df: number }): number =>
  2 * studentCdf(-Math.abs(difference) / error, df);

interface MeanSquares {
  bySeed: number;
  byVideo: number;
  rest: number;
}

/**
 * The mean, its standard error and the degrees of freedom of that, by the mean squares of seeds, of videos and of what is
 * left (Searle, Casella & McCulloch 1992).
 */
export function varianceOf(
  differences: readonly (readonly number[])[],
  weights: readonly number[],
): { difference: number; error: number; df: number; squares: MeanSquares } {
  const [S, V] = [differences.length, weights.length];
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  // Weights with a mean of 1; uneven ones are worth as much as fewer videos with even ones (Kish 1965).
  const w = weights.map((weight) => (weight * V) / whole);
  const effective = V ** 2 / w.reduce((sum, weight) => sum + weight ** 2, 0);
  const rows = differences.map((row) => row.reduce((sum, d, v) => sum + w[v]! * d, 0) / V);
  const difference = mean(rows);
  const columns = w.map((_, v) => mean(differences.map((row) => row[v]!)));
  const bySeed = (V * rows.reduce((sum, row) => sum + (row - difference) ** 2, 0)) / (S - 1);
  const byVideo =
    (S * columns.reduce((sum, column, v) => sum + w[v]! ** 2 * (column - difference) ** 2, 0)) /
    (V * (1 - 1 / effective));
  let rest = 0;
  for (const [s, row] of differences.entries())
    for (const [v, d] of row.entries()) rest += w[v]! ** 2 * (d - rows[s]! - columns[v]! + difference) ** 2;
  rest /= (S - 1) * V * (1 - 1 / effective);
  const squares = { bySeed, byVideo, rest };
  return { difference, squares, ...errorOf(squares, { seeds: S, videos: V, effective }) };
}

/** The standard error of the mean, and its degrees of freedom (Satterthwaite). @param effective videos, by their weights */
function errorOf(
  { bySeed, byVideo, rest }: MeanSquares,
  { seeds, videos, effective }: { seeds: number; videos: number; effective: number },
): { error: number; df: number } {
  // Where what is left is larger than what videos explain, it is in both, and not to be taken off.
  const total = Math.max(bySeed + byVideo - rest, bySeed, byVideo);
  const parts =
    bySeed ** 2 / (seeds - 1) + byVideo ** 2 / (effective - 1) + rest ** 2 / ((seeds - 1) * (effective - 1));
  return { error: Math.sqrt(total / (seeds * videos)), df: total ** 2 / parts };
}

/** A difference of this size is found with the power that we ask for. */
const reachOf = (error: number, df: number): number =>
  (studentQuantile(1 - LEVEL / 2, df) + studentQuantile(POWER, df)) * error;

/** How far below and above the mean 95 % of the draws of seeds and videos lie. */
function bootstrapReach(args: {
  differences: readonly (readonly number[])[];
  weights: readonly number[];
  seed: number;
}): [number, number] {
  const { differences, weights, seed } = args;
  const [S, V] = [differences.length, weights.length];
  const pick = (count: number, ...keys: number[]) => Math.floor((randomBits(seed, ...keys) / 2 ** 32) * count);
  const means = Float64Array.from({ length: RESAMPLES }, (_, b) => {
    const seeds = Array.from({ length: S }, (_, i) => differences[pick(S, b, 0, i)]!);
    let [sum, whole] = [0, 0];
    for (let i = 0; i < V; i++) {
      const v = pick(V, b, 1, i);
      for (const row of seeds) sum += weights[v]! * row[v]!;
      whole += weights[v]! * S;
    }
    return sum / whole;
  }).sort();
  const at = (part: number) => means[Math.round(part * (RESAMPLES - 1))]!;
  const { difference } = varianceOf(differences, weights);
  return [Math.max(0, difference - at(LEVEL / 2)), Math.max(0, at(1 - LEVEL / 2) - difference)];
}

/** With more than so many nobody trains. */
const MOST_SEEDS = 1000;

/**
 * With how many seeds, and the same videos, a difference of the observed size would be found in four of five experiments;
 * null where videos alone hide it, or nothing differs.
 *
 * @param differences `[S][V]` @param weights `[V]`
 */
export function seedsNeeded(args: {
  differences: readonly (readonly number[])[];
  weights: readonly number[];
}): number | null {
  const { differences, weights } = args;
  const [S, V] = [differences.length, weights.length];
  const { difference, squares } = varianceOf(differences, weights);
  // What lies between seeds, and between videos, beside what lies in each pair of them.
  const ofSeeds = Math.max(0, squares.bySeed - squares.rest) / V;
  const ofVideos = Math.max(0, squares.byVideo - squares.rest) / S;
  const isEnough = (seeds: number): boolean => {
    const { rest } = squares;
    const expected = { bySeed: rest + V * ofSeeds, byVideo: rest + seeds * ofVideos, rest };
    const { error, df } = errorOf(expected, { seeds, videos: V, effective: V });
    return reachOf(error, df) <= Math.abs(difference);
  };
  let [low, high] = [1, MOST_SEEDS];
  if (!isEnough(high)) return null;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** What is taken for granted of two arms before anything is known: in how many answers they differ, and seeds. */
export const EXPECTED = { disagreement: 1 / 6, seedSpread: 0.02 };

/**
 * The difference that would be found in four of five experiments, if arms are as `EXPECTED`: of the answers' differences
 * one half is of the videos, the other of chance.
 */
export function expectedDetectable({ seeds, videos }: { seeds: number; videos: number }): number {
  const rest = EXPECTED.disagreement / 2;
  const bySeed = rest + videos * 2 * EXPECTED.seedSpread ** 2;
  const { error, df } = errorOf({ bySeed, byVideo: rest + seeds * rest, rest }, { seeds, videos, effective: videos });
  return reachOf(error, df);
}

/** Among all pairs of runs, how often the arm's is better than the base's; ties count one half (Agarwal et al. 2021). */
export function improvementProbability(arm: readonly number[], base: readonly number[]): number {
  return mean(arm.flatMap((a) => base.map((b) => (a > b ? 1 : a === b ? 0.5 : 0))));
}
