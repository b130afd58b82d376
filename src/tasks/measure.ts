import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import type { JudgedPrediction, Measure } from './task.js';

type MeasureOptions = Pick<Measure, 'name' | 'of' | 'isDetail'> & Partial<Pick<Measure, 'better'>>;

/** The part of the answers that a test holds for. */
export const shareOf = ({
  holds,
  ...options
}: MeasureOptions & { holds: (judged: JudgedPrediction) => boolean }): Measure => ({
  better: 'higher',
  value: (judged) => ratio(judged, holds),
  ...options,
});

export const meanOf = ({
  each,
  ...options
}: MeasureOptions & { each: (judged: JudgedPrediction) => number }): Measure => ({
  better: 'higher',
  value: (judged) => mean(judged.map(each)),
  ...options,
});

/** The answers that a measure is of. */
export const membersOf = ({ of }: Measure, judged: readonly JudgedPrediction[]): readonly JudgedPrediction[] =>
  of === undefined ? judged : judged.filter(({ sample }) => of(sample));

/** What measures say, by name; those that say nothing are left out. */
export function metricsOf(measures: readonly Measure[], judged: readonly JudgedPrediction[]): Record<string, number> {
  const values = measures.map((measure) => [measure.name, measure.value(membersOf(measure, judged))] as const);
  return Object.fromEntries(values.filter(([, value]) => Number.isFinite(value)));
}
