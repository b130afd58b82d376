import type { Part } from './annotation.js';
import type { Segment } from './sample.js';

/**
 * The times of a VAU-Bench row. `-1, -1` (or nothing) says that nobody wrote them down: unknown, never normal.
 * `0, 0` is how the benchmark marks a normal video.
 */
export function segmentOfTimes({ start, end }: { start: string; end: string }): Part<Segment> {
  const [from, to] = [timeOf(start), timeOf(end)];
  if (from === 'none' && to === 'none') return { value: { kind: 'unknown' } };
  if (from === 'none' || to === 'none') return { problem: 'only one of start and end is given' };
  if (from === 0 && to === 0) return { value: { kind: 'normal' } };
  return intervalOf({ start: from, end: to });
}

/** The times of a line of JSON: `[start, end]` in seconds, or `normal`; nothing, or nulls, where nobody wrote them down. */
export function segmentOfJson(value: unknown): Part<Segment> {
  if (value === undefined || value === null) return { value: { kind: 'unknown' } };
  if (typeof value === 'string' && value.trim().toLowerCase() === 'normal') return { value: { kind: 'normal' } };
  if (!Array.isArray(value)) return { problem: 'the segment is neither [start, end] in seconds nor “normal”' };
  const [inner] = value as unknown[];
  if (Array.isArray(inner) && value.length > 1) return { problem: 'several segments, where one can be used' };
  const times: unknown[] = Array.isArray(inner) ? inner : value;
  if (times.length !== 2) return { problem: `the segment is a list of ${times.length}, not [start, end]` };
  const [start, end] = times.map((time) => (typeof time === 'string' && DECIMAL.test(time) ? Number(time) : time));
  if (start === null && end === null) return { value: { kind: 'unknown' } };
  if (start === null || end === null) return { problem: 'only one of start and end is given' };
  if (typeof start !== 'number' || typeof end !== 'number') return { problem: 'a time is not a number' };
  return intervalOf({ start, end });
}

/** A span of seconds, if it is one. */
export function intervalOf({ start, end }: { start: number; end: number }): Part<Segment> {
  if (!Number.isFinite(start) || !Number.isFinite(end)) return { problem: 'a time is not a number' };
  if (start < 0) return { problem: 'a time is negative' };
  if (end <= start) return { problem: 'the end is not after the start' };
  return { value: { kind: 'interval', start, end } };
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Seconds, or `none` for -1 and an empty cell; NaN for what is no decimal number. */
function timeOf(text: string): number | 'none' {
  if (text === '') return 'none';
  const seconds = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return seconds === -1 ? 'none' : seconds;
}

/**
 * Overlap of two segments over their union, in [0, 1]. Two normal ones agree (1); a normal one and an interval share
 * nothing (0); with an unknown one nothing can be said (0).
 */
export function temporalIou(a: Segment, b: Segment): number {
  if (a.kind === 'normal' && b.kind === 'normal') return 1;
  if (a.kind !== 'interval' || b.kind !== 'interval') return 0;
  const overlap = Math.min(a.end, b.end) - Math.max(a.start, b.start);
  const union = Math.max(a.end, b.end) - Math.min(a.start, b.start);
  return overlap > 0 && union > 0 ? Math.min(1, overlap / union) : 0;
}
