import { partProblem } from '../dataset/annotation.js';
import { matchClass, NORMAL_CLASS } from '../dataset/classes.js';
import type { Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { ratio } from '../statistics/ratio.js';
import { groupBy } from '../system/group-by.js';
import { binaryMeasures } from './binary.js';
import { shareOf } from './measure.js';
import { mostFrequent } from './most-frequent.js';
import type { JudgedPrediction, Measure, Task } from './task.js';
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
  measures: clsMeasures,
  guessers: (train) => {
    const labels = train.flatMap((sample) => sample.class ?? []);
    const anomalies = labels.filter((label) => label !== NORMAL_CLASS);
    const normal = labels.filter((label) => label === NORMAL_CLASS);
    // Which of them is the bar depends on what is measured: a class, or whether there is an anomaly.
    const guesses = new Set([labels, anomalies, normal].flatMap((list) => mostFrequent(list) ?? []));
    return [...guesses].map((label) => ({ name: `always ${label}`, guess: () => ({ class: label }) }));
  },
};

/**
 * `accuracy`; `accuracy/<class>` over the samples of a class; `balanced_accuracy`, the mean of these; `macro_f1`, the mean
 * of the F1 of the annotated classes; and, where there are normal samples, normal against all other classes.
 */
function clsMeasures(samples: readonly Sample[]): Measure[] {
  const holds = ({ correct }: JudgedPrediction) => correct;
  const classes = [...new Set(samples.flatMap(({ class: label }) => label ?? []))];
  const isAnomaly = (sample: Sample) => sample.class !== NORMAL_CLASS;
  const predicted = ({ parsed: { answer } }: JudgedPrediction) =>
    answer === undefined ? undefined : answer !== NORMAL_CLASS;
  return [
    shareOf({ name: 'accuracy', holds }),
    {
      name: 'balanced_accuracy',
      better: 'higher',
      value: (judged) => mean(byClass(judged).map((members) => ratio(members, holds))),
    },
    { name: 'macro_f1', better: 'higher', value: macroF1 },
    ...(samples.every(isAnomaly) ? [] : binaryMeasures({ isAnomaly, predicted })),
    ...classes.map((label) =>
      shareOf({ name: `accuracy/${label}`, of: (sample) => sample.class === label, holds, isDetail: true }),
    ),
  ];
}

const byClass = (judged: readonly JudgedPrediction[]): JudgedPrediction[][] => [
  ...groupBy(judged, ({ sample }) => sample.class).values(),
];

function macroF1(judged: readonly JudgedPrediction[]): number {
  const claims = groupBy(judged, ({ parsed }) => parsed.answer);
  const scores = byClass(judged).map((members) => {
    const hits = members.filter(({ correct }) => correct).length;
    return (2 * hits) / (members.length + (claims.get(members[0]!.sample.class)?.length ?? 0));
  });
  return mean(scores);
}
