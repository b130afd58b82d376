import type { AblationRecord } from '../ablation/summary.js';
import type { Advice } from '../trainer/advice.js';
import type { Strip } from './frame-strip.js';

/** What a report's page shows; its script (`data/report`) reads it as JSON. */
export interface PageData {
  runs: PageRun[];
  /** Frames of videos, by file. */
  strips: Record<string, Strip>;
  ablation: PageAblation | null;
}

export interface PageRun {
  name: string;
  folder: string;
  method: string;
  /** Steps that were made, of how many. */
  steps: number;
  maxSteps: number;
  isFinished: boolean;
  /** What the run is, as names and texts. */
  facts: [string, string][];
  curves: Curves;
  /** Lines of `evaluations.jsonl`. */
  evaluations: Record<string, unknown>[];
  advice: Advice[];
  groups: PageGroup[];
  /** What was left out, and why. */
  notes: string[];
}

/** Metrics over steps. */
export interface Curves {
  /** Steps that one point is the mean of. */
  every: number;
  /** The last step of each point. */
  steps: number[];
  series: Record<string, (number | null)[]>;
}

/** The completions of a prompt. */
export interface PageGroup {
  step: number;
  id: string;
  task: string;
  /** Of `strips`; null where there is nothing to show. */
  video: string | null;
  question: string | null;
  options: readonly string[] | null;
  /** What the annotation says, as names and texts. */
  truth: [string, string][];
  /** Seconds. */
  segment: [number, number] | 'normal' | null;
  prompt: string;
  completions: PageCompletion[];
  /** It was drawn, and not learned from. */
  passedOver: boolean;
}

export interface PageCompletion {
  text: string;
  /** The text of each token, its log-prob, and the reference's; null where the tokenizer is not at hand. */
  tokens: [string, number | null, number | null][] | null;
  rewards: Record<string, number | null>;
  reward: number | null;
  advantage: number | null;
  truncated: boolean;
  /** What it answers, and what is wrong with its form. */
  answer: string | null;
  segment: [number, number] | 'normal' | null;
  problem: string | null;
  /** The annotated answer stands in its place. */
  annotated: boolean;
}

export interface PageAblation {
  record: AblationRecord;
  /** Of each of the record's comparisons, in words. */
  verdicts: string[];
  /** Each arm's curves, means over its runs. */
  arms: { label: string; curves: Curves }[];
}
