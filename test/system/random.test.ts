import { describe, expect, it } from 'vitest';
import { normal, permutation, randomBits, textKey, uniform } from '../../src/system/random.js';

const draws = (n: number, draw: (i: number) => number) => Array.from({ length: n }, (_, i) => draw(i));
const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

describe('randomBits', () => {
  it('gives the same number for the same keys, on every machine and in every version', () => {
    // Resumed runs depend on these. A computation of the same formulas in Python gives them too.
    expect([randomBits(0), randomBits(1, 2, 3), randomBits(-1)]).toEqual([4196318417, 4290720987, 3375286593]);
    expect(uniform(42, 7)).toBe(0.9657403052839957);
    expect([...permutation(8, 5)]).toEqual([5, 1, 2, 0, 3, 7, 6, 4]);
  });

  it('depends on every key and on their order', () => {
    const numbers = [
      randomBits(1, 2),
      randomBits(2, 1),
      randomBits(1),
      randomBits(1, 2, 0),
      randomBits(1, 3),
      randomBits(0, 1, 2),
    ];
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('turns each output bit with about one half of the inputs that differ in one bit', () => {
    const flips = new Array<number>(32).fill(0);
    const trials = 2000;
    for (let i = 0; i < trials; i++) {
      const difference = randomBits(i) ^ randomBits(i ^ (1 << (i % 31)));
      for (let bit = 0; bit < 32; bit++) flips[bit]! += (difference >>> bit) & 1;
    }
    for (const flipped of flips) expect(Math.abs(flipped / trials - 0.5)).toBeLessThan(0.06);
  });

  it('rarely collides: as often as chance does', () => {
    const n = 50_000;
    const distinct = new Set(draws(n, (i) => randomBits(i % 250, Math.floor(i / 250)))).size;
    expect(n - distinct).toBeLessThan(5);
  });
});

describe('uniform', () => {
  it('stays in [0, 1) and fills it evenly', () => {
    const values = draws(20_000, (i) => uniform(3, i));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const bins = new Array<number>(10).fill(0);
    for (const x of values) bins[Math.floor(x * 10)]! += 1;
    // Five standard deviations of a bin of 2000.
    for (const count of bins) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(1800));
  });

  it('neighbouring keys are not correlated', () => {
    const values = draws(20_000, (i) => uniform(3, i) - 0.5);
    const product = mean(values.slice(1).map((x, i) => x * values[i]!));
    expect(Math.abs(product * 12)).toBeLessThan(5 / Math.sqrt(20_000));
  });
});

it('normal has mean 0, variance 1 and the right tails', () => {
  const values = draws(20_000, (i) => normal(9, i));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(Math.abs(mean(values))).toBeLessThan(5 / Math.sqrt(20_000));
  expect(mean(values.map((x) => x * x))).toBeCloseTo(1, 1);
  const beyond = values.filter((x) => Math.abs(x) > 1.96).length / values.length;
  expect(Math.abs(beyond - 0.05)).toBeLessThan(0.008);
});

describe('permutation', () => {
  it('holds each number once', () => {
    for (const n of [0, 1, 2, 17]) expect([...permutation(n, 1)].sort((a, b) => a - b)).toEqual(draws(n, (i) => i));
  });

  it('puts every number everywhere about as often', () => {
    const counts = new Array<number>(25).fill(0);
    const trials = 5000;
    for (let i = 0; i < trials; i++) for (const [place, x] of permutation(5, i).entries()) counts[place * 5 + x]! += 1;
    for (const count of counts) expect(Math.abs(count - trials / 5)).toBeLessThan(5 * Math.sqrt(trials * 0.16));
  });
});

it('textKey tells texts apart', () => {
  expect(textKey('')).toBe(0x811c9dc5);
  expect(textKey('a')).toBe(0xe40c292c);
  const keys = draws(20_000, (i) => textKey(`clip-${i}`));
  expect(keys.length - new Set(keys).size).toBeLessThan(3);
});
