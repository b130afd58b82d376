import { expect, test } from 'vitest';
import { bootstrapInterval } from '../../src/statistics/bootstrap.js';

const ones = (hits: number, of: number) => Array.from({ length: of }, (_, i) => Number(i < hits));
const each = (values: readonly number[]) => values.map((value) => [value]);

test('of an accuracy it is the normal approximation, p ± 1.96 √(p(1−p)/n), to a tenth', () => {
  for (const [hits, of] of [
    [600, 2000],
    [500, 1000],
  ] as const) {
    const p = hits / of;
    const half = 1.96 * Math.sqrt((p * (1 - p)) / of);
    const { low, high } = bootstrapInterval({ clusters: each(ones(hits, of)), seed: 3 });
    expect(Math.abs(low - (p - half))).toBeLessThan(half / 10);
    expect(Math.abs(high - (p + half))).toBeLessThan(half / 10);
  }
});

test('a seed gives the same interval again, another seed another one', () => {
  const values = Array.from({ length: 50 }, (_, i) => Math.sin(i) ** 2);
  const interval = (seed: number) => bootstrapInterval({ clusters: each(values), seed });
  expect(interval(1)).toEqual(interval(1));
  expect(interval(1)).not.toEqual(interval(2));
});

test('values that do not differ leave no doubt', () => {
  expect(bootstrapInterval({ clusters: each(ones(7, 7)), seed: 1 })).toEqual({ low: 1, high: 1 });
});
