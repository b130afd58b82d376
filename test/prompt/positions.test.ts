import { describe, expect, it } from 'vitest';
import { mropePositions } from '../../src/prompt/positions.js';
import { loadTokenizer } from '../../src/prompt/tokenizer.js';
import { cases, PROCESSOR_FOLDER } from './fixtures.js';

const videoTokenId = (await loadTokenizer(PROCESSOR_FOLDER)).idOf('<|video_pad|>');

it.each(cases)("against transformers, or the paper's rule: $name", ({ input_ids, grid, positions, next_position }) => {
  const result = mropePositions({
    tokenIds: Int32Array.from(input_ids),
    visionTokenIds: [videoTokenId],
    blocks: grid ? [{ grid }] : [],
    mergeSize: 2,
  });
  expect([...result.positions]).toEqual(positions.flat());
  expect(result.nextPosition).toBe(next_position);
});

const VIDEO = -1;
const of = (tokens: number[], grids: [number, number, number][]) =>
  mropePositions({
    tokenIds: Int32Array.from(tokens),
    visionTokenIds: [VIDEO],
    blocks: grids.map((grid) => ({ grid })),
    mergeSize: 2,
  });

it('counts slices as well as rows and columns where a video ends', () => {
  const { positions, nextPosition } = of([7, VIDEO, VIDEO, VIDEO, 7], [[3, 2, 2]]);
  expect([...positions]).toEqual([0, 1, 2, 3, 4, 0, 1, 1, 1, 4, 0, 1, 1, 1, 4]);
  expect(nextPosition).toBe(5);
});

it('places two videos, side by side or with text between', () => {
  const grids: [number, number, number][] = [
    [1, 2, 4],
    [1, 2, 2],
  ];
  const together = of([7, VIDEO, VIDEO, VIDEO, 7], grids);
  expect([...together.positions]).toEqual([0, 1, 1, 3, 4, 0, 1, 1, 3, 4, 0, 1, 2, 3, 4]);
  expect(of([VIDEO, VIDEO, 7, VIDEO], grids).nextPosition).toBe(4);
});

describe('refuses video tokens that are not those of the grids', () => {
  it.each([
    ['too few', [VIDEO, 7], [[1, 2, 4]]],
    ['cut off', [7, VIDEO], [[1, 2, 4]]],
    ['too many', [VIDEO, VIDEO], [[1, 2, 2]]],
    ['none', [7], [[1, 2, 2]]],
  ] as [string, number[], [number, number, number][]][])('%s', (_, tokens, grids) => {
    expect(() => of(tokens, grids)).toThrow(RangeError);
  });
});
