import type { TaskName } from '../config/task-names.js';
import { meanRewards, scoreCompletion, type WeightedReward } from '../rewards/total.js';
import { bootstrapInterval, type ConfidenceInterval } from '../statistics/bootstrap.js';
import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { TASKS } from '../tasks/index.js';
import { judge, type Prediction } from '../tasks/judge.js';
import type { PromptStyle } from '../tasks/task.js';

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
    const ofTask = predictions.filter(({ sample }) => sample.task === task.name);
    if (ofTask.length === 0) return [];
    const judged = judge({ predictions: ofTask, style, classes });
    const metrics = {
      ...task.metrics(judged),
      format: ratio(judged, ({ parsed }) => parsed.formatOk),
      ...rewardMetrics({ predictions: ofTask, style, classes, terms }),
    };
    const values = task.headline && judged.map(task.headline.value);
    const headline = values && {
      name: task.headline!.name,
      value: mean(values),
      ...bootstrapInterval({ values, seed }),
    };
    return [{ task: task.name, count: ofTask.length, headline, metrics }];
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
