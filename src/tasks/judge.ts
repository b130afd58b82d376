import type { Sample } from '../dataset/sample.js';
import { temporalIou } from '../dataset/segment.js';
import { parseCompletion } from './completion.js';
import { taskNamed } from './named.js';
import type { JudgedPrediction, ParsedCompletion, PromptStyle } from './task.js';

/** A completion for a sample. */
export interface Prediction {
  sample: Sample;
  text: string;
}

interface Judged {
  sample: Sample;
  parsed: ParsedCompletion;
}

/** Whether the answer is the one that the sample's task holds for right. */
export function isRight({ sample, parsed }: Judged): boolean {
  const right = taskNamed(sample.task).right?.(sample);
  return right !== undefined && parsed.answer === right;
}

/** Overlap over union of the predicted and the annotated segment, in [0, 1]; 0 where none could be read. */
export const iouOf = ({ sample, parsed: { interval } }: Judged): number =>
  interval === undefined ? 0 : temporalIou(interval, sample.segment);

/** What completions are worth. */
export function judge({
  predictions,
  style,
  classes,
}: {
  predictions: readonly Prediction[];
  style: PromptStyle;
  classes: readonly string[];
}): JudgedPrediction[] {
  return predictions.map(({ sample, text }) => {
    const judged = { sample, parsed: parseCompletion({ text, sample, style, classes }) };
    return { ...judged, correct: isRight(judged), iou: iouOf(judged) };
  });
}

/**
 * What several completions for a sample answer alike: whether all are right (null: no rule tells), and the answer, where
 * there is a short one and all give it.
 */
export function commonAnswer(args: {
  sample: Sample;
  texts: readonly string[];
  style: PromptStyle;
  classes: readonly string[];
}): { right: boolean | null; answer?: string } {
  const { sample, texts, style, classes } = args;
  if (taskNamed(sample.task).right === undefined) return { right: null };
  const predictions = texts.map((text) => ({ sample, text }));
  const judged = judge({ predictions, style, classes });
  const answers = new Set(judged.map(({ parsed }) => parsed.answer));
  const [answer] = answers;
  return {
    right: judged.every(({ correct }) => correct),
    ...(answers.size === 1 && answer !== undefined && { answer }),
  };
}
