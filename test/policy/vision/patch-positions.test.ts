import { expect, it } from 'vitest';
import { patchPositions, sliceRuns } from '../../../src/policy/vision/patch-positions.js';

it('patches come in blocks of merge × merge, slice after slice', () => {
  const { rows, columns } = patchPositions({
    grids: [
      [1, 2, 4],
      [2, 2, 2],
    ],
    merge: 2,
  });
  expect([...rows]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, /* second video */ 0, 0, 1, 1, 0, 0, 1, 1]);
  expect([...columns]).toEqual([0, 1, 0, 1, 2, 3, 2, 3, /* second video */ 0, 1, 0, 1, 0, 1, 0, 1]);
});

it('neighbouring slices of equal size are attended together, others apart', () => {
  expect(
    sliceRuns([
      [2, 2, 2],
      [3, 4, 2],
      [1, 2, 4],
      [1, 2, 2],
    ]),
  ).toEqual([
    { start: 0, slices: 2, patches: 4 },
    { start: 8, slices: 4, patches: 8 },
    { start: 40, slices: 1, patches: 4 },
  ]);
});
