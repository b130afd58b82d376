import type { Segment } from '../dataset/sample.js';
import { temporalIou } from '../dataset/segment.js';

type Interval = Extract<Segment, { kind: 'interval' }>;

const QUANTILES = Array.from({ length: 41 }, (_, i) => i / 40);

/** The one interval, from quantiles of the annotated starts and ends, that overlaps best with all segments on average. */
export function constantInterval(segments: readonly Segment[]): Interval | undefined {
  const intervals = segments.filter((segment): segment is Interval => segment.kind === 'interval');
  const starts = quantiles(intervals.map(({ start }) => start));
  const ends = quantiles(intervals.map(({ end }) => end));
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

/** Distinct values at the quantiles; none of no values. */
function quantiles(values: number[]): number[] {
  const sorted = values.sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  return [...new Set(QUANTILES.map((quantile) => sorted[Math.round(quantile * (sorted.length - 1))]!))];
}
