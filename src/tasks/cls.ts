import { partProblem } from '../dataset/annotation.js';
import { matchClass, NORMAL_CLASS } from '../dataset/classes.js';
import { mean } from '../statistics/moments.js';
import { ratio, ratioByGroup } from '../statistics/ratio.js';
import { binaryMetrics } from './binary.js';
import { mostFrequent } from './most-frequent.js';
import type { JudgedPrediction, Task } from './task.js';
import { annotatedThought } from './thought.js';

/** Classification: one label of a list. */
export const clsTask: Task = {
  name: 'cls',
  byDefault: true,
  problem: (annotation) => partProblem(annotation.class),
  asked: (annotation) => annotation.class,

  question: 'Which of these classes does the video belong to?\n{classes}',
  form: { answer: 'one class of the list' },
  read: ({ elements, classes }) => ({
    answer: elements.answer === undefined ? undefined : matchClass({ label: elements.answer.trim(), classes }),
  }),
  expected: (sample) => ({
    think: annotatedThought(sample) ?? `The video shows this: ${sample.class}.`,
    elements: { answer: sample.class ?? '' },
  }),

  right: (sample) => sample.class,
  headline: { name: 'accuracy', value: ({ correct }) => Number(correct) },
  metrics: clsMetrics,
  guessers: (train) => {
    const label = mostFrequent(train.flatMap((sample) => sample.class ?? []));
    return label ? [{ name: `always ${label}`, guess: () => ({ class: label }) }] : [];
  },
};

/**
 * `accuracy`; `accuracy/<class>` over the samples of a class; `balanced_accuracy`, the mean of these; and, where there
 * are normal samples, normal against all other classes.
 */
function clsMetrics(judged: readonly JudgedPrediction[]): Record<string, number> {
  const holds = ({ correct }: JudgedPrediction) => correct;
  const byClass = ratioByGroup({ items: judged, group: ({ sample }) => `accuracy/${sample.class}`, holds });
  const verdicts = judged.map(({ sample, parsed: { answer } }) => ({
    actual: sample.class !== NORMAL_CLASS,
    predicted: answer === undefined ? undefined : answer !== NORMAL_CLASS,
  }));
  const binary = verdicts.some(({ actual }) => !actual) ? binaryMetrics(verdicts) : {};
  return { accuracy: ratio(judged, holds), balanced_accuracy: mean(Object.values(byClass)), ...binary, ...byClass };
}
