import type { TaskName } from '../config/task-names.js';
import type { Annotation } from '../dataset/annotation.js';
import type { Sample, Segment } from '../dataset/sample.js';
import type { AnswerTag, Elements } from './elements.js';

/** Whether a completion reasons before it answers. */
export type PromptStyle = 'think' | 'direct';

/** All that a task is. A new one is a module beside these and a line in `index.ts`. */
export interface Task {
  readonly name: TaskName;
  /** A row that names no task serves this one too, as far as it has what is needed; else the task has to be asked for. */
  readonly byDefault: boolean;
  /** Why an annotation cannot serve: short, for people, the same for all that share it. Undefined: it can. */
  problem(annotation: Annotation): string | undefined;
  /** What is asked about a video: two rows that agree in it are one sample. */
  asked(annotation: Annotation): unknown;

  /** The prompt's words; `{question}`, `{options}` and `{classes}` are filled in. */
  readonly question: string;
  /** What stands between each of the answer's tags, in the words that the prompt shows. */
  readonly form: Readonly<Partial<Record<AnswerTag, string>>>;
  /** What the prompt says after the form. */
  readonly note?: string;
  /** Reads an answer. A part that cannot be read without guessing is undefined. */
  read(written: Written): Reading;
  /** The answer that an annotation calls for: what supervised fine-tuning learns. */
  expected(sample: Sample): Expected;

  /** Its samples keep the key objects of their annotations. */
  readonly usesKeyObject?: true;

  /** The right answer to a sample, as `read` gives it; left out: there is none that a rule could tell. */
  right?(sample: Sample): string | undefined;
  /** The number that stands for the task, and what it is the mean of. */
  readonly headline?: { name: string; value: (judged: JudgedPrediction) => number };
  /** What answers to these samples are measured by. */
  measures(samples: readonly Sample[]): Measure[];
  /** Those who have read the training annotations and never see a video. */
  guessers?(train: readonly Sample[]): Guesser[];
}

/** What a completion has between its tags, and what it answers. */
export interface Written {
  elements: Elements;
  sample: Pick<Sample, 'options'>;
  classes: readonly string[];
}

/** What an answer says. */
export interface Reading {
  /** qa: a letter; tag: `Anomaly` or `Normal`; cls: a label of the list, as it is spelled there; reasoning: the text. */
  answer?: string;
  /** tag: an interval, or normal. */
  interval?: Segment;
  /** Why it is no answer to the task, for people. */
  problem?: string;
}

export interface Expected {
  think: string;
  /** By tag of the form. */
  elements: Partial<Record<AnswerTag, string>>;
}

/** Answers a sample as if its annotation said something else. */
export interface Guesser {
  name: string;
  guess: (sample: Sample) => Partial<Sample>;
}

/** What a completion says. */
export interface ParsedCompletion extends Omit<Reading, 'problem'> {
  /** The completion is exactly what the task asks for. */
  formatOk: boolean;
  /** The first thing that is wrong with it. */
  problem?: string;
  think?: string;
}

/** What a completion is worth, to metrics and rewards alike. */
export interface JudgedPrediction {
  sample: Sample;
  parsed: ParsedCompletion;
  /** The answer is right. */
  correct: boolean;
  /** Of the predicted and the annotated segment, in [0, 1]; 0 for tasks without one. */
  iou: number;
}

/** A number that says how well a task was done. */
export interface Measure {
  name: string;
  /** Which samples it is of; left out: all. */
  of?: (sample: Sample) => boolean;
  /** NaN where the samples have not what it takes. */
  value(judged: readonly JudgedPrediction[]): number;
  better: 'higher' | 'lower';
  /** One of many of a kind (of each class): told in a file, not in a table. */
  isDetail?: true;
}
