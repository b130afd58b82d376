import { mean } from '../statistics/moments.js';
import { type BlindBaseline, blindReward } from './blind.js';
import type { TaskEvaluation } from './evaluate.js';

/**
 * An evaluation as one flat record: `<task>/<metric>` for every metric; `<task>/<headline>/low` and `/high` for its
 * 95 % interval, and `/blind` for what the best guesser has on the same samples; `<task>/count`, the samples that were
 * answered; and `reward`, the mean over all of them, beside `reward/blind`.
 */
export function flatMetrics({
  evaluations,
  blind,
}: {
  evaluations: readonly TaskEvaluation[];
  blind: readonly BlindBaseline[];
}): Record<string, number> {
  const entries = evaluations.flatMap(({ task, count, headline, metrics }) => [
    [`${task}/count`, count] as const,
    ...Object.entries(metrics).map(([name, value]) => [`${task}/${name}`, value] as const),
    ...(headline === undefined
      ? []
      : [
          [`${task}/${headline.name}`, headline.value] as const,
          [`${task}/${headline.name}/low`, headline.low] as const,
          [`${task}/${headline.name}/high`, headline.high] as const,
        ]),
  ]);
  const guessed = blind.map(({ task, metric, value }) => [`${task}/${metric}/blind`, value] as const);
  const answered = evaluations.reduce((sum, { count }) => sum + count, 0);
  // There are tasks that nobody guesses at: the rewards would be of other samples.
  const guessedAll = answered > 0 && blind.reduce((sum, { count }) => sum + count, 0) === answered;
  const guess = blindReward(blind);
  const rewards = evaluations.flatMap(({ rewarded, metrics }) => Array<number>(rewarded).fill(metrics.reward ?? 0));
  return {
    reward: mean(rewards),
    ...(guessedAll && guess !== null && { 'reward/blind': guess }),
    ...Object.fromEntries([...entries, ...guessed]),
  };
}
