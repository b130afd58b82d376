import { describe, expect, it } from 'vitest';
import { mean, standardDeviation } from '../../src/statistics/moments.js';
import { groupAdvantages } from '../../src/trainer/advantages.js';

/** Group means 2 and 6; unbiased deviations √2 and √8; of all four together √20/3. */
const rewards = [
  [1, 3],
  [4, 8],
];
const close = (found: (number | null)[][], wanted: number[][]) => {
  expect(found.map((group) => group.length)).toEqual(wanted.map((group) => group.length));
  for (const [i, x] of found.flat().entries()) expect(x).toBeCloseTo(wanted.flat()[i]!, 10);
};

describe('groupAdvantages', () => {
  it('group: over the unbiased deviation of each group + 1e-4', () => {
    const [a, b] = [1 / (Math.SQRT2 + 1e-4), 2 / (Math.sqrt(8) + 1e-4)];
    close(groupAdvantages({ rewards, scale: 'group' }), [
      [-a, a],
      [-b, b],
    ]);
  });

  it("batch: over the deviation of all rewards, around each group's own mean", () => {
    const all = Math.sqrt((9 + 1 + 0 + 16) / 3) + 1e-4;
    close(groupAdvantages({ rewards, scale: 'batch' }), [
      [-1 / all, 1 / all],
      [-2 / all, 2 / all],
    ]);
  });

  it('none: only the mean taken off', () => {
    close(groupAdvantages({ rewards, scale: 'none' }), [
      [-1, 1],
      [-2, 2],
    ]);
  });

  it.each(['group', 'batch', 'none'] as const)('%s: equal rewards give zero, not NaN', (scale) => {
    expect(
      groupAdvantages({ rewards: [[0.7, 0.7, 0.7]], scale })
        .flat()
        .every((a) => Math.abs(a!) < 1e-9),
    ).toBe(true);
    expect(groupAdvantages({ rewards: [[5], [2]], scale })).toEqual([[0], [0]]);
  });
});

it('mean and unbiased deviation', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(mean([])).toBeNaN();
  expect(standardDeviation([1, 2, 6])).toBeCloseTo(Math.sqrt(7), 12);
  expect([standardDeviation([4]), standardDeviation([])]).toEqual([0, 0]);
  // Their mean, rounded, is not 0.7; groups without variance are found by a deviation of zero.
  expect(standardDeviation([0.7, 0.7, 0.7])).toBe(0);
});
