import type { RewardScores } from '../rewards/scores.js';
import { mean, standardDeviation } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { type Metrics, orNull } from './metrics.js';
import type { GroupShare } from './shares.js';

type Judged = Pick<GroupShare, 'task' | 'scores' | 'dead'>;

/**
 * Of a step's groups: `reward`, `reward_std` (mean of the groups'), each term's mean and std, and the share of groups
 * without any spread (`groups/zero_variance`), which teach nothing; of those completions whose reward is known. Where a
 * term has failed, for how many (`rewards/<name>/failed`). The same by task (`<task>/…`), with its share of the groups.
 */
export function rewardMetrics(groups: readonly Judged[]): Metrics {
  const tasks = [...new Set(groups.map(({ task }) => task))].sort();
  const byTask = tasks.map((task) => {
    const own = groups.filter((group) => group.task === task);
    const metrics = { share: own.length / groups.length, ...termMetrics(own), ...deadMetrics(own) };
    return Object.fromEntries(Object.entries(metrics).map(([key, value]) => [`${task}/${key}`, value]));
  });
  return Object.assign({ ...termMetrics(groups), ...failures(groups) }, ...byTask);
}

function termMetrics(groups: readonly Judged[]): Metrics {
  const totals = groups.map(({ scores }) => scores.flatMap(({ reward }) => reward ?? []));
  const spreads = totals.filter(({ length }) => length > 0).map(standardDeviation);
  const metrics: Metrics = {
    reward: orNull(mean(totals.flat())),
    reward_std: orNull(mean(spreads)),
    'groups/zero_variance': orNull(mean(spreads.map((spread) => (spread === 0 ? 1 : 0)))),
  };
  for (const name of termNames(groups)) {
    const values = scoresOf(groups).flatMap(({ rewards }) => rewards[name] ?? []);
    metrics[`rewards/${name}/mean`] = orNull(mean(values));
    metrics[`rewards/${name}/std`] = values.length === 0 ? null : standardDeviation(values);
  }
  return metrics;
}

function failures(groups: readonly Judged[]): Metrics {
  const count = (name: string) => scoresOf(groups).filter(({ failed }) => failed?.[name] !== undefined).length;
  const counts = termNames(groups).map((name) => [`rewards/${name}/failed`, count(name)] as const);
  return Object.fromEntries(counts.filter(([, value]) => value > 0));
}

/**
 * Of one task's groups: the share that is alike and wrong (`groups/all_wrong`), and by the answer that all of such a group
 * give (`groups/all_wrong/<answer>`). Nothing pulls a policy back from an answer that it always gives.
 */
function deadMetrics(groups: readonly Judged[]): Metrics {
  if (groups.some(({ dead }) => dead !== null && dead.right === null)) return {};
  const isWrong = ({ dead }: Judged) => dead !== null && dead.right === false;
  const wrong = groups.filter(isWrong);
  const answers = [...new Set(wrong.flatMap(({ dead }) => dead?.answer ?? []))].sort();
  const byAnswer = answers.map((answer) => [
    `groups/all_wrong/${answer}`,
    ratio(groups, (group) => isWrong(group) && group.dead?.answer === answer),
  ]);
  return { 'groups/all_wrong': ratio(groups, isWrong), ...Object.fromEntries(byAnswer) };
}

const scoresOf = (groups: readonly Judged[]): RewardScores[] => groups.flatMap(({ scores }) => scores);

const termNames = (groups: readonly Judged[]): string[] => Object.keys(groups[0]?.scores[0]?.rewards ?? {});
