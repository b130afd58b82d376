import { describe, expect, it } from 'vitest';
import { CLIP_PROCESSOR, readVisionProcessors } from '../../src/model-folder/video-processor-config.js';
import { toPatches } from '../../src/prompt/patches.js';
import { cases, makeFrames, PROCESSOR_FOLDER } from './fixtures.js';

const config = (await readVisionProcessors({ folder: PROCESSOR_FOLDER, defaults: CLIP_PROCESSOR })).video;
const videos = cases.flatMap(({ name, frames, grid, pixels }) =>
  frames && grid && pixels ? { name, frames, grid, pixels } : [],
);

describe('against transformers', () => {
  it.each(videos)('$name', ({ frames, grid, pixels }) => {
    const result = toPatches({ frames: makeFrames(frames), config });
    expect(result.grid).toEqual(grid);
    expect(result.patches.length).toBe(pixels.shape[0] * pixels.shape[1]);
    for (const [i, index] of pixels.index.entries()) {
      expect(result.patches[index]).toBe(Math.fround(pixels.values[i]!));
    }
    for (const [part, expected] of pixels.sums.entries()) {
      expect(sumOfPart(result.patches, part, pixels.sums.length)).toBeCloseTo(expected, 2);
    }
  });
});

it('refuses frames that do not fit the patches', () => {
  const data = new Uint8Array(2 * 28 * 42 * 3);
  expect(() => toPatches({ frames: { data, count: 2, height: 28, width: 42 }, config })).toThrow(/28, 42/);
  expect(() => toPatches({ frames: { data, count: 0, height: 28, width: 28 }, config })).toThrow(RangeError);
});

/** The parts are numpy's `array_split`: the first `length % parts` have one element more. */
function sumOfPart(values: Float32Array, part: number, parts: number): number {
  const [size, longer] = [Math.floor(values.length / parts), values.length % parts];
  const start = part * size + Math.min(part, longer);
  return values.subarray(start, start + size + (part < longer ? 1 : 0)).reduce((sum, value) => sum + value, 0);
}
