import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { holm } from '../../src/statistics/holm.js';
import { interquartileMean } from '../../src/statistics/interquartile-mean.js';
import { mean } from '../../src/statistics/moments.js';
import {
  expectedDetectable,
  improvementProbability,
  pairedArms,
  seedsNeeded,
  varianceOf,
} from '../../src/statistics/paired-arms.js';
import { studentCdf, studentQuantile } from '../../src/statistics/student.js';
import { normal, randomBits } from '../../src/system/random.js';

/** By scipy, statsmodels and rliable: scripts/fixtures/ablation.py. */
const fixture = JSON.parse(readFileSync(new URL('../fixtures/ablation.json', import.meta.url), 'utf8')) as {
  cdf: [number, number, number][];
  quantile: [number, number, number][];
  holm: [number[], number[]][];
  iqm: [number[], number][];
  improvement: [arm: number[], base: number[], probability: number][];
  iqm_of_runs: [number[], number][];
};

test('Student’s distribution, as scipy has it', () => {
  for (const [t, df, p] of fixture.cdf) expect(studentCdf(t, df), `${t} ${df}`).toBeCloseTo(p, 12);
  for (const [p, df, t] of fixture.quantile)
    expect(Math.abs(studentQuantile(p, df) - t) / Math.max(1, Math.abs(t)), `${p} ${df}`).toBeLessThan(1e-9);
});

test('Holm’s adjustment, as statsmodels has it; the interquartile mean, as scipy has it', () => {
  for (const [values, adjusted] of fixture.holm)
    for (const [i, value] of holm(values).entries()) expect(value).toBeCloseTo(adjusted[i]!, 12);
  for (const [values, trimmed] of fixture.iqm) expect(interquartileMean(values)).toBeCloseTo(trimmed, 12);
  expect(interquartileMean([])).toBeNaN();
});

test('the probability of improvement and the mean over tasks and runs, as rliable has them', () => {
  for (const [arm, base, probability] of fixture.improvement)
    expect(improvementProbability(arm, base)).toBeCloseTo(probability, 12);
  for (const [scores, mean] of fixture.iqm_of_runs) expect(interquartileMean(scores)).toBeCloseTo(mean, 12);
});

describe('two arms over seeds and videos', () => {
  test('where videos agree, it is the t-test over seeds', () => {
    const bySeed = [0.1, 0.3, -0.1, 0.4, 0.2];
    const { error, df, difference } = varianceOf(
      bySeed.map((d) => Array<number>(40).fill(d)),
      Array<number>(40).fill(1),
    );
    expect(difference).toBeCloseTo(0.18, 12);
    const variance = mean(bySeed.map((d) => (d - 0.18) ** 2)) * (5 / 4);
    expect(error).toBeCloseTo(Math.sqrt(variance / 5), 12);
    expect(df).toBeCloseTo(4, 9);
  });

  test('where seeds agree, it is the t-test over videos, whose weights are their samples', () => {
    const byVideo = Array.from({ length: 30 }, (_, v) => Math.sin(7 * v));
    const { error, df } = varianceOf([byVideo, byVideo, byVideo], Array<number>(30).fill(2));
    const center = mean(byVideo);
    expect(error).toBeCloseTo(Math.sqrt((mean(byVideo.map((d) => (d - center) ** 2)) * (30 / 29)) / 30), 12);
    expect(df).toBeCloseTo(29, 9);
    const weighted = varianceOf(
      [
        [0, 1],
        [0, 1],
      ],
      [1, 3],
    );
    expect(weighted.difference).toBe(0.75);
  });

  test('arms that are the same have no difference, and no doubt', () => {
    const none = Array.from({ length: 3 }, () => Array<number>(5).fill(0));
    expect(pairedArms({ differences: none, weights: [1, 1, 1, 1, 1], seed: 1 })).toEqual({
      difference: 0,
      low: 0,
      high: 0,
      p: 1,
      detectable: 0,
    });
  });

  test('the interval holds the difference, and 0 just where p is large', () => {
    for (let trial = 0; trial < 20; trial++) {
      const differences = simulated({ trial, S: 5, V: 30, shift: 0.03 * trial, sd: [0.05, 0.2, 0.3] });
      const { difference, low, high, p } = pairedArms({ differences, weights: Array<number>(30).fill(1), seed: 1 });
      expect(low).toBeLessThan(difference);
      expect(high).toBeGreaterThan(difference);
      if (p < 0.01) expect(low).toBeGreaterThan(0);
      if (p > 0.2) expect(low).toBeLessThan(0);
    }
  });

  test('how often an arm is better', () => {
    expect(improvementProbability([1, 2], [0, 1])).toBe((1 + 0.5 + 1 + 1) / 4);
  });
});

/** Differences of an arm and its base, with what seeds, videos and both together add. `[S][V]` */
function simulated(args: {
  trial: number;
  S: number;
  V: number;
  shift: number;
  sd: [number, number, number];
  arm?: number;
}) {
  const { trial, S, V, shift, sd, arm = 0 } = args;
  const [seeds, videos, both] = sd;
  return Array.from({ length: S }, (_, s) =>
    Array.from(
      { length: V },
      (_, v) =>
        shift +
        seeds * normal(trial, arm, 1, s) +
        videos * normal(trial, arm, 2, v) +
        both * normal(trial, arm, 3, s, v),
    ),
  );
}

/** Of seeds, of videos, of both. */
const KINDS: [string, [number, number, number]][] = [
  ['seeds matter most', [0.05, 0.05, 0.2]],
  ['videos matter most', [0.005, 0.3, 0.2]],
  ['neither', [0, 0, 0.4]],
];

describe.each(KINDS)('simulated, 5 seeds and 40 videos of one to three samples: %s', (_, sd) => {
  const [S, V, arms] = [5, 40, 3];
  const weights = Array.from({ length: V }, (_, v) => 1 + (v % 3));

  test('without a true difference at most 5 % of 2,000 ablations of three arms say “better” or “worse”', () => {
    let wrong = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const values = Array.from({ length: arms }, (_, arm) => {
        const { difference, error, df } = varianceOf(simulated({ trial, S, V, shift: 0, sd, arm }), weights);
        return 2 * studentCdf(-Math.abs(difference) / error, df);
      });
      if (holm(values).some((p) => p < 0.05)) wrong += 1;
    }
    expect(wrong / 2000).toBeLessThanOrEqual(0.05);
  });

  test('a difference of the detectable size is found in about four of five', () => {
    const sizes: number[] = [];
    for (let trial = 0; trial < 100; trial++) {
      const differences = simulated({ trial, S, V, shift: 0, sd });
      sizes.push(pairedArms({ differences, weights, seed: trial }).detectable);
    }
    let found = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const differences = simulated({ trial: 5000 + trial, S, V, shift: mean(sizes), sd });
      const { difference, error, df } = varianceOf(differences, weights);
      if (2 * studentCdf(-Math.abs(difference) / error, df) < 0.05) found += 1;
    }
    expect(found / 1000).toBeGreaterThan(0.72);
    expect(found / 1000).toBeLessThan(0.92);
  });
});

test('the random numbers of the simulation are what they should be', () => {
  const values = Array.from({ length: 4000 }, (_, i) => normal(i, 1));
  expect(Math.abs(mean(values))).toBeLessThan(0.05);
  expect(mean(values.map((x) => x ** 2))).toBeCloseTo(1, 1);
  expect(randomBits(1, 2)).not.toBe(randomBits(2, 1));
});

describe('how many seeds it takes', () => {
  const weights = Array<number>(40).fill(1);
  const rowsOf = (bySeed: readonly number[]) => bySeed.map((d) => Array<number>(40).fill(d));

  test('where videos agree: as many as a t-test over seeds takes', () => {
    const bySeed = [0.1, 0.3, -0.1, 0.4, 0.2];
    const std = Math.sqrt(mean(bySeed.map((d) => (d - 0.18) ** 2)) * (5 / 4));
    const isEnough = (n: number) =>
      ((studentQuantile(0.975, n - 1) + studentQuantile(0.8, n - 1)) * std) / Math.sqrt(n) <= 0.18;
    const needed = seedsNeeded({ differences: rowsOf(bySeed), weights })!;
    expect(needed).toBeGreaterThan(5);
    expect([isEnough(needed - 1), isEnough(needed)]).toEqual([false, true]);
  });

  test('none are enough where nothing differs, or videos alone hide it', () => {
    expect(seedsNeeded({ differences: rowsOf([0.1, -0.1, 0.1, -0.1]), weights })).toBeNull();
    const byVideo = weights.map((_, v) => (v % 2 ? 1 : -0.9));
    expect(seedsNeeded({ differences: [byVideo, byVideo, byVideo], weights })).toBeNull();
  });

  test('what is expected beforehand shrinks with seeds and videos', () => {
    const few = expectedDetectable({ seeds: 3, videos: 50 });
    expect(expectedDetectable({ seeds: 10, videos: 50 })).toBeLessThan(few);
    expect(expectedDetectable({ seeds: 3, videos: 500 })).toBeLessThan(few);
  });
});
