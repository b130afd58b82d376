import { describe, expect, it } from 'vitest';
import { mixedOrder } from '../../src/dataset/mix.js';

const parts = [
  { count: 5, weight: 2 },
  { count: 50, weight: 1 },
  { count: 3, weight: 1 },
];
const sourceOf = (index: number) => (index < 5 ? 0 : index < 55 ? 1 : 2);
const take = (order: ReturnType<typeof mixedOrder>, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => order(from + i).index);

describe('mixedOrder', () => {
  it('keeps the parts in every stretch', () => {
    const order = mixedOrder({ seed: 7, parts });
    for (const from of [0, 4, 100, 1001]) {
      const sources = take(order, from, 40).map(sourceOf);
      const counts = [0, 1, 2].map((s) => sources.filter((source) => source === s).length);
      for (const [s, wanted] of [20, 10, 10].entries()) expect(Math.abs(counts[s]! - wanted)).toBeLessThanOrEqual(1);
    }
  });

  it('shows a source whole before any of it comes again', () => {
    const indices = take(mixedOrder({ seed: 7, parts }), 0, 400);
    const small = indices.filter((index) => sourceOf(index) === 2);
    for (let pass = 0; pass + 3 <= small.length; pass += 3) expect(new Set(small.slice(pass, pass + 3)).size).toBe(3);
    const large = indices.filter((index) => sourceOf(index) === 1);
    expect(new Set(large.slice(0, 50)).size).toBe(50);
  });

  it('is a function of seed and position alone', () => {
    const whole = take(mixedOrder({ seed: 7, parts }), 0, 300);
    expect(take(mixedOrder({ seed: 7, parts }), 123, 100)).toEqual(whole.slice(123, 223));
    expect(take(mixedOrder({ seed: 8, parts }), 0, 300)).not.toEqual(whole);
  });

  it('takes nothing from a source that has nothing', () => {
    const order = mixedOrder({
      seed: 1,
      parts: [
        { count: 2, weight: 1 },
        { count: 0, weight: 9 },
      ],
    });
    expect(new Set(take(order, 0, 20))).toEqual(new Set([0, 1]));
  });
});
