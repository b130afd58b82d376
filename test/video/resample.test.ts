import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { resample } from '../../src/video/resample.js';
import { makeFrames } from '../prompt/fixtures.js';

/** What scripts/fixtures/resize_picture.py computes with torchvision. */
interface Case {
  seed: number;
  before: [number, number];
  after: [number, number];
  /** Left out of larger pictures, of which the sums tell. */
  bytes: number[] | null;
  sum: number;
  weighted: number;
}
const cases = JSON.parse(readFileSync(new URL('../fixtures/resize-picture.json', import.meta.url), 'utf8')) as Case[];

it.each(cases)('$before becomes $after as in torchvision, to the last bit', ({ seed, before, after, ...expected }) => {
  const { data } = makeFrames({ seed, shape: [1, ...before] });
  const found = resample({ data, height: before[0], width: before[1] }, { height: after[0], width: after[1] });
  if (expected.bytes !== null) expect([...found]).toEqual(expected.bytes);
  const sums = found.reduce(([sum, weighted], byte, i) => [sum! + byte, weighted! + byte * (i % 97)], [0, 0]);
  expect(sums).toEqual([expected.sum, expected.weighted]);
});
