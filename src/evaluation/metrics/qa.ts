import type { JudgedPrediction } from './prediction.js';
import { ratio, ratioByGroup } from './ratio.js';

/** Multiple choice: `accuracy`, and `accuracy/A` … over the samples whose right answer is that letter. */
export function qaMetrics(judged: readonly JudgedPrediction[]): Record<string, number> {
  const holds = ({ correct }: JudgedPrediction) => correct;
  const byLetter = ratioByGroup({ items: judged, group: ({ sample }) => `accuracy/${sample.answer}`, holds });
  return { accuracy: ratio(judged, holds), ...byLetter };
}
