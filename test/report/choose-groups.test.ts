import { expect, test } from 'vitest';
import { chooseGroups, type GroupSketch } from '../../src/report/choose-groups.js';
import { curvesOf, meanCurves } from '../../src/report/curves.js';

const group = (step: number, more: Partial<GroupSketch> = {}): GroupSketch => ({
  step,
  id: `sample ${step}`,
  rewards: [1, 1],
  hasProblem: false,
  isTruncated: false,
  ...more,
});

test('the most telling groups come first: best, worst, widest, unreadable, cut off, and a sample at two steps', () => {
  const groups = Array.from({ length: 1000 }, (_, i) => group(i));
  groups[100] = group(100, { rewards: [3, 3] });
  groups[200] = group(200, { rewards: [0, 0] });
  groups[300] = group(300, { rewards: [2, 0] });
  groups[400] = group(400, { hasProblem: true });
  groups[500] = group(500, { isTruncated: true });
  groups[50] = group(50, { id: 'again' });
  groups[950] = group(950, { id: 'again' });
  const order = chooseGroups(groups);
  expect(new Set(order).size).toBe(order.length);
  expect(order.slice(0, 12)).toEqual(expect.arrayContaining([50, 950, 100, 200, 300, 400, 500]));
  // What follows lies evenly.
  const rest = order.slice(0, 200).toSorted((a, b) => a - b);
  expect(Math.max(...rest.slice(1).map((step, i) => step - rest[i]!))).toBeLessThan(40);
});

test('none, one, and groups nobody could judge', () => {
  expect(chooseGroups([])).toEqual([]);
  expect(chooseGroups([group(1)])).toEqual([0]);
  expect(chooseGroups([group(1, { rewards: [] }), group(2)]).toSorted()).toEqual([0, 1]);
});

test('curves of thousands of steps are thinned by means, and say so', () => {
  const metrics = Array.from({ length: 3000 }, (_, i) => ({ step: i + 1, reward: i % 2, kl: i < 1500 ? null : 1 }));
  const { every, steps, series } = curvesOf(metrics);
  expect(every).toBe(6);
  expect(steps).toHaveLength(500);
  expect(steps.at(-1)).toBe(3000);
  expect(new Set(series.reward)).toEqual(new Set([0.5]));
  expect([series.kl![0], series.kl!.at(-1)]).toEqual([null, 1]);
});

test('the curve of an arm is the mean of its runs that have got so far', () => {
  const short = curvesOf([{ step: 1, reward: 1 }]);
  const long = curvesOf([
    { step: 1, reward: 3 },
    { step: 2, reward: 5 },
  ]);
  expect(meanCurves([short, long])).toMatchObject({ steps: [1, 2], series: { reward: [2, 5] } });
});
