import { expect, it } from 'vitest';
import { patchPositions } from '../../../src/policy/vision/patch-positions.js';

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
