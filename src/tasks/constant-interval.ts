import type { Segment } from '../dataset/sample.js';
import { temporalIou } from '../dataset/segment.js';

type Interval = Extract<Segment, { kind: 'interval' }>;

/** So many starts and ends are tried, spread over those that there are. */
const CANDIDATES = 200;
/** Seconds: where half of the segments are shorter, whole ones are too coarse. */
const SHORT = 5;

/**
 * The one interval that overlaps best with all segments on average: of whole seconds (of tenths, where segments are short)
 * at which some of them start and end.
 */
export function constantInterval(segments: readonly Segment[]): Interval | undefined {
  const intervals = segments.filter((segment): segment is Interval => segment.kind === 'interval');
  if (intervals.length === 0) return undefined;
  const lengths = intervals.map(({ start, end }) => end - start).sort((a, b) => a - b);
  const perSecond = lengths[lengths.length >> 1]! < SHORT ? 10 : 1;
  const starts = candidates(
    intervals.map(({ start }) => start),
    perSecond,
  );
  const ends = candidates(
    intervals.map(({ end }) => end),
    perSecond,
  );
  let best: { interval: Interval; total: number } | undefined;
  for (const start of starts) {
    for (const end of ends) {
      if (start >= end) continue;
      const interval: Interval = { kind: 'interval', start, end };
      const total = intervals.reduce((sum, other) => sum + temporalIou(interval, other), 0);
      if (!best || total > best.total) best = { interval, total };
    }
  }
  return best?.interval;
}

/** The times on the grid just below and above those given; of many, some at even distances in their order. */
function candidates(times: readonly number[], perSecond: number): number[] {
  const onGrid = times.flatMap((time) => [Math.floor(time * perSecond), Math.ceil(time * perSecond)]);
  const distinct = [...new Set(onGrid)].sort((a, b) => a - b);
  const count = Math.min(distinct.length, CANDIDATES);
  const step = count < 2 ? 0 : (distinct.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => distinct[Math.round(i * step)]! / perSecond);
}
