import pLimit from 'p-limit';
import type { TaskName } from '../config/task-names.js';
import type { Sample } from '../dataset/sample.js';
import type { Rewards, VerdictMemory } from '../rewards/rewards.js';
import { meanRewards, type RewardScores } from '../rewards/scores.js';
import { bootstrapInterval, type ConfidenceInterval } from '../statistics/bootstrap.js';
import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { TASKS } from '../tasks/index.js';
import { judge, type Prediction } from '../tasks/judge.js';
import { metricsOf } from '../tasks/measure.js';
import type { PromptStyle } from '../tasks/task.js';
import { byVideo } from './by-video.js';

/** How well a task was done. */
export interface TaskEvaluation {
  task: TaskName;
  count: number;
  /** How many of them have a reward that is known. */
  rewarded: number;
  /** The number that stands for the task, with its 95 % interval; reasoning has none. */
  headline?: { name: string; value: number } & ConfidenceInterval;
  /** `format`, `reward`, `rewards/<name>` and the task's own. */
  metrics: Record<string, number>;
}

interface EvaluateOptions {
  predictions: readonly Prediction[];
  /** Of each prediction. */
  scores: readonly RewardScores[];
  style: PromptStyle;
  classes: readonly string[];
  /** Of the bootstrap. */
  seed: number;
}

/** Measures completions, task by task. */
export function evaluatePredictions({ predictions, scores, style, classes, seed }: EvaluateOptions): TaskEvaluation[] {
  return TASKS.flatMap((task): TaskEvaluation[] => {
    const isOfTask = ({ sample }: Prediction) => sample.task === task.name;
    const ofTask = predictions.filter(isOfTask);
    if (ofTask.length === 0) return [];
    const judged = judge({ predictions: ofTask, style, classes });
    const own = scores.filter((_, i) => isOfTask(predictions[i]!));
    const metrics = {
      ...metricsOf(task.measures(ofTask.map(({ sample }) => sample)), judged),
      format: ratio(judged, ({ parsed }) => parsed.formatOk),
      ...rewardMetrics(own),
    };
    const rewarded = own.filter(({ reward }) => reward !== null).length;
    const { headline: known } = task;
    const headline = known && {
      name: known.name,
      value: mean(judged.map(known.value)),
      ...bootstrapInterval({ clusters: byVideo(judged).map((same) => same.map(known.value)), seed }),
    };
    return [{ task: task.name, count: ofTask.length, rewarded, headline, metrics }];
  });
}

/** What nobody could judge is left out of the means. */
function rewardMetrics(scores: readonly RewardScores[]): Record<string, number> {
  const { rewards, reward } = meanRewards(scores);
  const all = Object.entries(rewards).map(([name, value]) => [`rewards/${name}`, value] as const);
  return Object.fromEntries([['reward', reward] as const, ...all].filter(([, value]) => value !== null)) as Record<
    string,
    number
  >;
}

/** Predictions that others are asked about together: their deadlines are made for a step's. */
const ASKED_AT_A_TIME = 32;

/** The rewards of predictions. @param memory of those that are not pure, by prediction */
export async function scorePredictions(args: {
  predictions: readonly Prediction[];
  rewards: Rewards;
  style: PromptStyle;
  classes: readonly string[];
  memoryOf?: (sample: Sample) => VerdictMemory | undefined;
}): Promise<RewardScores[]> {
  const { predictions, rewards, style, classes, memoryOf } = args;
  const limit = pLimit(ASKED_AT_A_TIME);
  const groups = predictions.map(({ sample, text }) =>
    limit(() => rewards.scoreGroup([{ text, sample, style, classes }], { memory: memoryOf?.(sample) })),
  );
  return (await Promise.all(groups)).flat();
}
