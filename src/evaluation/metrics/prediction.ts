import type { Sample } from '../../dataset/sample.js';
import { type ParsedCompletion, type PromptStyle, parseCompletion } from '../../prompt/answer.js';
import { accuracyReward } from '../../rewards/accuracy.js';
import { temporalIouReward } from '../../rewards/temporal-iou.js';

/** A completion for a sample. */
export interface Prediction {
  sample: Sample;
  text: string;
}

/** What a completion is worth, as the rewards see it too. */
export interface JudgedPrediction {
  sample: Sample;
  parsed: ParsedCompletion;
  /** The answer is right. */
  correct: boolean;
  /** Of the predicted and the annotated segment, in [0, 1]; 0 for tasks without one. */
  iou: number;
}

interface JudgeOptions {
  predictions: readonly Prediction[];
  style: PromptStyle;
  classes: readonly string[];
}

export function judge({ predictions, style, classes }: JudgeOptions): JudgedPrediction[] {
  return predictions.map(({ sample, text }) => {
    const input = { text, sample, style, classes };
    const parsed = parseCompletion(input);
    const correct = accuracyReward.appliesTo(sample.task) && accuracyReward.score(input) === 1;
    const iou = temporalIouReward.appliesTo(sample.task) ? temporalIouReward.score(input) : 0;
    return { sample, parsed, correct, iou };
  });
}
