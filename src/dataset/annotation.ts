import type { TaskName } from '../config/task-names.js';
import type { OptionLetter, Segment } from './sample.js';
import type { NamedVisual } from './visual.js';

/**
 * A part of an annotation. It may be unusable, or not be there at all, with the reason: short, and the same for all rows
 * that share it.
 */
export type Part<T> = { value: T } | { problem: string } | { absent: string };

export interface MultipleChoice {
  question: string;
  options: [string, string, string, string];
  answer: OptionLetter;
  /** The file gives more than the letter (`D. text of the option`). */
  spelledOut: boolean;
}

/** One row of an annotation file. Its parts stand or fall separately: a row without a question may still have times. */
export interface Annotation {
  /** Line of the file that the row begins on; the first is 1. */
  line: number;
  id?: string;
  /** The videos and pictures as the file names them. */
  visuals: NamedVisual[];
  /** The only task that the row is for; undefined: every task that it has the parts for. */
  task?: TaskName;
  choice: Part<MultipleChoice>;
  segment: Part<Segment>;
  class: Part<string>;
  keyObject?: string;
  /** A normal video that looks abnormal. */
  hardNormal?: true;
  description?: string;
  reasoning?: string;
}

/** Rows that were not taken, for one reason. */
export interface LeftOut {
  reason: string;
  count: number;
  /** Lines of the annotation file. */
  rows: number[];
}

/** An annotation file as read: what each row says, before any task asks for it. */
export interface AnnotationFile {
  file: string;
  /** Rows in the file, the unreadable ones included. */
  rows: number;
  annotations: Annotation[];
  /** Rows that say nothing that could be used. */
  leftOut: LeftOut[];
  /** What rows say beside, and nobody uses: fields, columns and texts, with the rows that have them. */
  unused: LeftOut[];
}

export const partValue = <T>(part: Part<T>): T | undefined => ('value' in part ? part.value : undefined);
/** What is wrong with those parts of a row that are there and cannot be used. */
export const oddParts = (annotation: Annotation): string[] =>
  [annotation.choice, annotation.segment, annotation.class].flatMap((part) => ('problem' in part ? part.problem : []));

/** Why there is no value. */
export const partProblem = (part: Part<unknown>): string | undefined =>
  'problem' in part ? part.problem : 'absent' in part ? part.absent : undefined;
