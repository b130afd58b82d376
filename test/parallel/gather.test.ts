import { expect, it } from 'vitest';
import { anyOf, fromFirst, gatherJson, sumOver } from '../../src/parallel/gather.js';
import { single } from '../../src/parallel/single.js';
import { inMemoryGroup } from './in-memory.js';

const [first, second] = inMemoryGroup(2) as [typeof single, typeof single];

it('brings what each says to all, by rank, whatever it is', async () => {
  const own = { text: 'Überfall “ÿ” 🎬', ids: Int32Array.of(1, 2), nothing: null };
  const other = { text: '', ids: new Int32Array(0), nothing: null };
  const expected = [
    { ...own, ids: [1, 2] },
    { ...other, ids: [] },
  ];
  expect(await Promise.all([gatherJson(first, own), gatherJson(second, other)])).toEqual([expected, expected]);
});

it('sums, asks and tells', async () => {
  const sums = await Promise.all([sumOver(first, [0.1, Number.NaN]), sumOver(second, [0.2, 1])]);
  expect(sums).toEqual(Array(2).fill([0.1 + 0.2, Number.NaN]));
  expect(await Promise.all([anyOf(first, false), anyOf(second, true)])).toEqual([true, true]);
  expect(await Promise.all([anyOf(first, false), anyOf(second, false)])).toEqual([false, false]);
  expect(await Promise.all([fromFirst(first, 'go'), fromFirst(second, 'stay')])).toEqual(['go', 'go']);
});

it('changes nothing where there is one process', async () => {
  const value = { ids: Int32Array.of(3) };
  expect((await gatherJson(single, value))[0]).toBe(value);
  expect(await sumOver(single, [0.1, -0])).toEqual([0.1, 0]);
});
