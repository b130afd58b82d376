import { mean } from '../statistics.js';
import type { TaskEvaluation } from './evaluate.js';

/**
 * An evaluation as one flat record: `<task>/<metric>` for every metric, `<task>/<headline>/low` and `/high` for its
 * 95 % interval, and `reward`, the mean over all samples.
 */
export function flatMetrics(evaluations: readonly TaskEvaluation[]): Record<string, number> {
  const entries = evaluations.flatMap(({ task, headline, metrics }) => [
    ...Object.entries(metrics).map(([name, value]) => [`${task}/${name}`, value] as const),
    ...(headline === undefined
      ? []
      : [
          [`${task}/${headline.name}`, headline.value] as const,
          [`${task}/${headline.name}/low`, headline.low] as const,
          [`${task}/${headline.name}/high`, headline.high] as const,
        ]),
  ]);
  const rewards = evaluations.flatMap(({ count, metrics }) => Array<number>(count).fill(metrics.reward ?? 0));
  return { reward: mean(rewards), ...Object.fromEntries(entries) };
}
