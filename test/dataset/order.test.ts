import { expect, test } from 'vitest';
import { dataOrder } from '../../src/dataset/order.js';

const first = (length: number, seed: number, count: number) =>
  Array.from({ length }, (_, i) => dataOrder({ seed, count })(i));

test('every epoch holds every sample once, in another order', () => {
  const at = dataOrder({ seed: 1, count: 50 });
  const epochs = [0, 1, 2].map((epoch) => Array.from({ length: 50 }, (_, i) => at(epoch * 50 + i)));
  for (const [epoch, entries] of epochs.entries()) {
    expect(entries.every((entry) => entry.epoch === epoch)).toBe(true);
    expect(entries.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  }
  const orders = epochs.map((entries) => entries.map(({ index }) => index).join());
  expect(new Set(orders).size).toBe(3);
});

test('a position means the same to one that starts there, jumps about, or went all the way', () => {
  const walked = dataOrder({ seed: 9, count: 7 });
  const all = Array.from({ length: 30 }, (_, i) => walked(i));
  for (const position of [29, 3, 17, 16, 0]) {
    expect(dataOrder({ seed: 9, count: 7 })(position)).toEqual(all[position]);
    expect(walked(position)).toEqual(all[position]);
  }
});

test('seeds give different orders', () => {
  expect(first(20, 1, 20)).not.toEqual(first(20, 2, 20));
});
