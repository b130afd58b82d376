import { expect, test } from 'vitest';
import { constantInterval } from '../../src/tasks/constant-interval.js';
import { interval, normal } from './judged.js';

test('the interval that most agree on', () => {
  expect(constantInterval([interval(2, 7), interval(2, 7), interval(0, 30), normal])).toEqual(interval(2, 7));
});

test('start and end may come from different annotations', () => {
  expect(constantInterval([interval(0, 10), interval(1, 12), interval(2, 11)])).toEqual(interval(1, 11));
});

test('none without an interval', () => {
  expect(constantInterval([normal])).toBeUndefined();
});
