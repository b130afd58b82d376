import type { Sample } from '../dataset/sample.js';
import { bootstrapIntervals, type ConfidenceInterval } from '../statistics/bootstrap.js';
import { permutationTest } from '../statistics/permutation-test.js';
import { TASKS } from '../tasks/index.js';
import { judge } from '../tasks/judge.js';
import { membersOf, metricsOf } from '../tasks/measure.js';
import type { JudgedPrediction, Measure, PromptStyle } from '../tasks/task.js';
import type { Answers } from './answers.js';
import { byVideo } from './by-video.js';
import { ANSWER } from './trials.js';

/** A model's number less another's, on samples that both have answered. */
export interface Difference extends ConfidenceInterval {
  prompt: PromptStyle;
  task: Sample['task'];
  metric: string;
  /** Samples. */
  count: number;
  first: number;
  second: number;
  /** `first` − `second`; with its 95 % interval, over videos. */
  difference: number;
  /** How often as large a difference would come about by chance (paired permutation test, videos swapped whole). */
  p: number;
}

/** Two models, sample by sample. */
export function compareAnswers(args: {
  first: Answers;
  second: Answers;
  samples: readonly Sample[];
  prompts: readonly PromptStyle[];
  classes: readonly string[];
  seed: number;
}): Difference[] {
  const { first, second, samples, prompts, classes, seed } = args;
  return prompts.flatMap((prompt) =>
    TASKS.flatMap((task) => {
      const worth = (answers: Answers, sample: Sample): JudgedPrediction[] => {
        const [answer] = answers.of({ name: ANSWER, style: prompt, sample });
        if (answer === undefined) return [];
        return judge({ predictions: [{ sample, text: answer.text }], style: prompt, classes });
      };
      const pairs = samples
        .filter((sample) => sample.task === task.name)
        .flatMap((sample): Pair[] => {
          const [[one], [other]] = [worth(first, sample), worth(second, sample)];
          return one && other ? [{ sample, one, other }] : [];
        });
      if (pairs.length === 0) return [];
      const measures = task.measures(pairs.map(({ sample }) => sample)).filter(({ isDetail }) => !isDetail);
      return differences({ pairs, measures, seed }).map((found) => ({ prompt, task: task.name, ...found }));
    }),
  );
}

interface Pair {
  sample: Sample;
  one: JudgedPrediction;
  other: JudgedPrediction;
}

function differences(args: {
  pairs: readonly Pair[];
  measures: readonly Measure[];
  seed: number;
}): Omit<Difference, 'prompt' | 'task'>[] {
  const { pairs, measures, seed } = args;
  const videos = byVideo(pairs);
  const byName = new Map(measures.map((measure) => [measure.name, measure]));
  const less = (own: readonly JudgedPrediction[], others: readonly JudgedPrediction[]) => {
    const [a, b] = [metricsOf(measures, own), metricsOf(measures, others)];
    return Object.fromEntries(Object.keys(a).map((name) => [name, a[name]! - (b[name] ?? Number.NaN)]));
  };
  const [own, others] = [pairs.map(({ one }) => one), pairs.map(({ other }) => other)];
  const [first, second, observed] = [metricsOf(measures, own), metricsOf(measures, others), less(own, others)];
  const intervals = bootstrapIntervals({
    count: videos.length,
    statistics: (drawn) => {
      const some = [...drawn].flatMap((i) => videos[i]!);
      return less(
        some.map(({ one }) => one),
        some.map(({ other }) => other),
      );
    },
    seed,
  });
  const p = permutationTest({
    count: videos.length,
    differences: (swapped) =>
      less(
        videos.flatMap((same, i) => same.map((pair) => (swapped[i] ? pair.other : pair.one))),
        videos.flatMap((same, i) => same.map((pair) => (swapped[i] ? pair.one : pair.other))),
      ),
    seed,
  });
  return Object.entries(observed)
    .filter(([, value]) => Number.isFinite(value))
    .map(([metric, difference]) => ({
      metric,
      count: membersOf(byName.get(metric)!, own).length,
      first: first[metric]!,
      second: second[metric]!,
      difference,
      ...intervals[metric]!,
      p: p[metric]!,
    }));
}
