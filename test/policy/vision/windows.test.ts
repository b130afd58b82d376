import { expect, it } from 'vitest';
import { sliceWindows } from '../../../src/policy/vision/windows.js';

it('neighbouring slices of equal size are attended together, others apart', () => {
  expect(
    sliceWindows([
      [2, 2, 2],
      [3, 4, 2],
      [1, 2, 4],
      [1, 2, 2],
    ]),
  ).toEqual({
    order: null,
    windows: [
      { start: 0, windows: 2, patches: 4 },
      { start: 8, windows: 4, patches: 8 },
      { start: 40, windows: 1, patches: 4 },
    ],
  });
});
