import type { Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import type { JudgedPrediction } from './task.js';

/** A number that says how well a task was done. */
export interface Measure {
  name: string;
  /** Which samples it is of; left out: all. */
  of?: (sample: Sample) => boolean;
  /** NaN where the samples have not what it takes. */
  value(judged: readonly JudgedPrediction[]): number;
  better: 'higher' | 'lower';
  /** One of many of a kind (of each class): told in a file, not in a table. */
  isDetail?: true;
}

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
