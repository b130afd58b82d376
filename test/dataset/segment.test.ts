import { describe, expect, test } from 'vitest';
import type { Segment } from '../../src/dataset/sample.js';
import { segmentOfTimes, temporalIou } from '../../src/dataset/segment.js';

const span = (start: number, end: number): Segment => ({ kind: 'interval', start, end });

describe('times of a row', () => {
  test.each([
    ['0.0', '0.0', { kind: 'normal' }],
    ['-1.0', '-1.0', { kind: 'unknown' }],
    ['-1', '-1', { kind: 'unknown' }],
    ['', '', { kind: 'unknown' }],
    ['0.67', '6.67', span(0.67, 6.67)],
    ['0', '14', span(0, 14)],
    ['1e1', '2e1', span(10, 20)],
  ] as const)('%j, %j', (start, end, value) => {
    expect(segmentOfTimes({ start, end })).toEqual({ value });
  });

  test.each([
    ['nan', '5', 'a time is not a number'],
    ['NaN', 'NaN', 'a time is not a number'],
    ['Infinity', '5', 'a time is not a number'],
    ['1', '1e999', 'a time is not a number'],
    ['0x10', '20', 'a time is not a number'],
    ['00:05', '00:09', 'a time is not a number'],
    ['9', '5', 'the end is not after the start'],
    ['5', '5', 'the end is not after the start'],
    ['-3', '5', 'a time is negative'],
    ['-1', '5', 'only one of start and end is given'],
    ['5', '', 'only one of start and end is given'],
  ])('%j, %j is refused', (start, end, problem) => {
    expect(segmentOfTimes({ start, end })).toEqual({ problem });
  });
});

describe('temporalIou', () => {
  test.each<[Segment, Segment, number]>([
    [span(0, 10), span(5, 15), 1 / 3],
    [span(0, 10), span(0, 10), 1],
    [span(2, 4), span(0, 10), 0.2],
    [span(0, 1), span(1, 2), 0],
    [span(0, 1), span(5, 6), 0],
    [{ kind: 'normal' }, { kind: 'normal' }, 1],
    [{ kind: 'normal' }, span(0, 10), 0],
    [{ kind: 'unknown' }, { kind: 'normal' }, 0],
    [{ kind: 'unknown' }, { kind: 'unknown' }, 0],
  ])('%j, %j', (a, b, iou) => {
    expect(temporalIou(a, b)).toBeCloseTo(iou, 12);
    expect(temporalIou(b, a)).toBeCloseTo(iou, 12);
  });
});
