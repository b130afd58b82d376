import type { TaskName } from '../dataset/sample.js';
import { TASKS } from '../dataset/sample.js';
import type { PromptStyle } from '../prompt/answer.js';
import { meanRewards, scoreCompletion, type WeightedReward } from '../rewards/total.js';
import { bootstrapInterval, type ConfidenceInterval } from '../statistics/bootstrap.js';
import { mean } from '../statistics/moments.js';
import { clsMetrics } from './metrics/cls.js';
import { type JudgedPrediction, judge, type Prediction } from './metrics/prediction.js';
import { qaMetrics } from './metrics/qa.js';
import { ratio } from './metrics/ratio.js';
import { tagMetrics } from './metrics/tag.js';

interface TaskMetrics {
  /** The number that stands for the task. */
  headline: string;
  /** What the headline is the mean of. */
  value: (judged: JudgedPrediction) => number;
  metrics: (judged: readonly JudgedPrediction[]) => Record<string, number>;
}

const TASK_METRICS: Record<Exclude<TaskName, 'reasoning'>, TaskMetrics> = {
  qa: { headline: 'accuracy', value: ({ correct }) => Number(correct), metrics: qaMetrics },
  tag: { headline: 'miou', value: ({ iou }) => iou, metrics: tagMetrics },
  cls: { headline: 'accuracy', value: ({ correct }) => Number(correct), metrics: clsMetrics },
};

/** How well a task was done. */
export interface TaskEvaluation {
  task: TaskName;
  count: number;
  /** The number that stands for the task, with its 95 % interval; reasoning has none. */
  headline?: { name: string; value: number } & ConfidenceInterval;
  /** `format`, `reward`, `rewards/<name>` and the task's own. */
  metrics: Record<string, number>;
}

interface EvaluateOptions {
  predictions: readonly Prediction[];
  style: PromptStyle;
  classes: readonly string[];
  /** The reward terms of the config. */
  terms: readonly WeightedReward[];
  /** Of the bootstrap. */
  seed: number;
}

/** Measures completions, task by task. */
export function evaluatePredictions({ predictions, style, classes, terms, seed }: EvaluateOptions): TaskEvaluation[] {
  return TASKS.flatMap((task): TaskEvaluation[] => {
    const ofTask = predictions.filter(({ sample }) => sample.task === task);
    if (ofTask.length === 0) return [];
    const judged = judge({ predictions: ofTask, style, classes });
    const format = ratio(judged, ({ parsed }) => parsed.formatOk);
    const rewards = rewardMetrics({ predictions: ofTask, style, classes, terms });
    if (task === 'reasoning') return [{ task, count: ofTask.length, metrics: { format, ...rewards } }];
    const { headline: name, value, metrics } = TASK_METRICS[task];
    const values = judged.map(value);
    const headline = { name, value: mean(values), ...bootstrapInterval({ values, seed }) };
    return [{ task, count: ofTask.length, headline, metrics: { ...metrics(judged), format, ...rewards } }];
  });
}

function rewardMetrics({ predictions, style, classes, terms }: Omit<EvaluateOptions, 'seed'>): Record<string, number> {
  const scores = predictions.map(({ sample, text }) =>
    scoreCompletion({ terms, input: { text, sample, style, classes } }),
  );
  const { rewards, reward } = meanRewards(scores);
  const named = Object.entries(rewards).flatMap(([name, value]) =>
    value === null ? [] : [[`rewards/${name}`, value]],
  );
  return { reward, ...Object.fromEntries(named) };
}
