import { describe, expect, test } from 'vitest';
import type { TaskName } from '../../src/config/task-names.js';
import type { Sample, Segment } from '../../src/dataset/sample.js';
import { lengthProblem } from '../../src/dataset/segment-length.js';

/** Twelve seconds, 25 frames a second. */
const whole = { duration: 12, frameStep: 0.04, isCut: false };
const cut = { duration: 4.8, frameStep: 0.04, isCut: true };
const span = (start: number, end: number): Segment => ({ kind: 'interval', start, end });
const problem = (segment: Segment, video = whole, task: TaskName = 'tag') =>
  lengthProblem({
    sample: { id: 'a.jsonl:1:tag', task, visuals: [{ kind: 'video', file: 'a.mp4' }], segment } as Sample,
    video,
  });

describe('a segment may pass the end by a frame’s step', () => {
  test.each([12, 12.04])('%d s', (end) => {
    expect(problem(span(8, end))).toBeUndefined();
  });

  test('however the sum is rounded', () => {
    expect(0.8).toBeGreaterThan(0.7 + 0.1);
    expect(problem(span(0, 0.8), { duration: 0.7, frameStep: 0.1, isCut: false })).toBeUndefined();
  });

  test.each([12.05, 12.5, 14.5])('and not by more: %d s', (end) => {
    expect(problem(span(8, end))).toMatchObject({
      code: 'SEGMENT_PAST_END',
      reason: 'the segment ends after the video (another version of the video?)',
      message: expect.stringContaining(
        `a.jsonl:1:tag: its segment [8, ${end}] ends after the video (a.mp4), of which 12 s`,
      ),
    });
  });
});

describe('the cause is guessed', () => {
  test.each([
    [span(50, 250), whole, 'frame numbers?', 'at 25 frames a second they are [2, 10] s'],
    [span(0, 301), whole, 'frame numbers?', '[0, 12.04] s'],
    [span(2000, 10_000), whole, 'milliseconds?', 'in seconds they are [2, 10]'],
    [span(50, 250.5), whole, 'milliseconds?', 'in seconds they are [0.05, 0.25]'],
    [span(50.5, 250), whole, 'milliseconds?', 'in seconds they are [0.05, 0.25]'],
    [span(2000, 20_000), whole, 'another version of the video?', 'is it the video that was annotated'],
    [span(10, 20), whole, 'another version of the video?', 'is it the video that was annotated'],
    [span(8, 11), cut, 'the file is cut off or damaged', 'fetch it anew'],
  ])('%j: %j: %s', (segment, video, short, long) => {
    expect(problem(segment, video)).toMatchObject({
      reason: `the segment ends after the video (${short})`,
      message: expect.stringContaining(long),
    });
  });
});

describe('tasks that do not ask for the times', () => {
  test('do without them', () => {
    for (const task of ['qa', 'cls', 'reasoning'] as const) expect(problem(span(8, 14.5), whole, task)).toBeUndefined();
  });

  test.each([
    [span(8, 11), 'SEGMENT_PAST_END'],
    [{ kind: 'unknown' } as const, 'VIDEO_CUT_OFF'],
    [span(1, 4), undefined],
    [{ kind: 'normal' } as const, undefined],
  ])('and where the video is cut off, need what they ask about to be there: %j', (segment, code) => {
    for (const task of ['qa', 'cls', 'reasoning'] as const) expect(problem(segment, cut, task)?.code).toBe(code);
  });
});

test('times are told in hundredths', () => {
  const part = { ...cut, duration: 4.8379 };
  for (const segment of [span(8, 11), { kind: 'unknown' } as const])
    expect(problem(segment, part)?.message).toMatch(/ 4\.84 s /);
});

test('nothing is said of a whole video and a segment within it', () => {
  for (const segment of [span(0, 11), { kind: 'normal' } as const, { kind: 'unknown' } as const])
    expect(problem(segment)).toBeUndefined();
});
