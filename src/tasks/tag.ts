import { partProblem, partValue } from '../dataset/annotation.js';
import type { Sample, Segment } from '../dataset/sample.js';
import { onlyVideo } from '../dataset/visual.js';
import { binaryMeasures } from './binary.js';
import { constantInterval } from './constant-interval.js';
import { meanOf, shareOf } from './measure.js';
import { readSpan } from './span.js';
import type { Measure, Reading, Task, Written } from './task.js';
import { annotatedThought } from './thought.js';
import { readVerdict } from './verdict.js';

/** Temporal anomaly grounding: whether something abnormal happens, and from when to when. */
export const tagTask: Task = {
  name: 'tag',
  byDefault: true,
  problem: ({ segment, visuals }) =>
    partProblem(segment) ??
    (partValue(segment)?.kind === 'unknown' ? 'no times annotated' : undefined) ??
    (onlyVideo(visuals) === undefined ? 'times are of one video, and there is something else to see' : undefined),
  asked: ({ segment }) => segment,

  question:
    'Does anything abnormal happen in this video? If so, find when it starts and when it ends, in seconds from the start of the video.',
  form: { answer: 'Anomaly or Normal', glue: '[start, end]' },
  note: 'For a video in which everything is normal the span is [-1.0, -1.0].',
  read: readGrounding,
  expected: (sample) => {
    const { segment } = sample;
    if (segment.kind !== 'interval') {
      const think = annotatedThought(sample) ?? 'Nothing abnormal happens.';
      return { think, elements: { answer: 'Normal', glue: '[-1.0, -1.0]' } };
    }
    const [start, end] = [seconds(segment.start), seconds(segment.end)];
    const think = annotatedThought(sample) ?? `Something abnormal happens from ${start} to ${end} seconds.`;
    return { think, elements: { answer: 'Anomaly', glue: `[${start}, ${end}]` } };
  },

  right: ({ segment: { kind } }) => ({ interval: 'Anomaly', normal: 'Normal', unknown: undefined })[kind],
  headline: { name: 'miou', value: ({ iou }) => iou },
  measures: tagMeasures,
  guessers: (train) => {
    const best = constantInterval(train.map(({ segment }) => segment));
    return [
      ...(best ? [{ name: `always ${best.start}–${best.end} s`, guess: () => ({ segment: best }) }] : []),
      { name: 'always normal', guess: () => ({ segment: { kind: 'normal' as const } }) },
    ];
  },
};

/** A verdict and a span that contradict each other are no answer: a completion must not bet on either. */
function readGrounding({ elements }: Written): Reading {
  const answer = elements.answer === undefined ? undefined : readVerdict(elements.answer);
  const interval = intervalOf({ glue: elements.glue, answer });
  if (answer !== undefined && interval !== undefined && (answer === 'Normal') !== (interval.kind === 'normal'))
    return { problem: 'the answer and the interval contradict each other' };
  const problem = answer !== undefined && interval === undefined ? 'the interval cannot be read' : undefined;
  return { answer, interval, problem };
}

/** “No span” is what a normal video has; beside any other answer it says nothing. */
function intervalOf({ glue, answer }: { glue?: string; answer?: string }): Segment | undefined {
  if (glue === undefined || glue.trim() === '') return undefined;
  const span = readSpan(glue);
  if (span === 'none') return answer === 'Normal' ? { kind: 'normal' } : undefined;
  return span;
}

/** At least one decimal and at most two, as in the annotations. */
const seconds = (time: number) =>
  Number.isInteger(time * 10) ? time.toFixed(1) : String(Math.round(time * 100) / 100);

const THRESHOLDS = [0.3, 0.5, 0.7];

const isAnomaly = ({ segment }: Sample) => segment.kind === 'interval';

/**
 * `miou` and `recall@0.3` … (the part of the samples with at least that IoU) over all samples, a normal video found
 * normal counting as 1; the same over the anomalous ones alone (`anomaly/…`, what VAU-R1 reports); and normal or anomaly
 * as two classes.
 */
function tagMeasures(): Measure[] {
  return [
    ...overlapMeasures(''),
    ...overlapMeasures('anomaly/', isAnomaly),
    ...binaryMeasures({
      isAnomaly,
      predicted: ({ parsed: { answer } }) => (answer === undefined ? undefined : answer === 'Anomaly'),
    }),
  ];
}

const overlapMeasures = (prefix: string, of?: Measure['of']): Measure[] => [
  meanOf({ name: `${prefix}miou`, of, each: ({ iou }) => iou }),
  ...THRESHOLDS.map((least) => shareOf({ name: `${prefix}recall@${least}`, of, holds: ({ iou }) => iou >= least })),
];
