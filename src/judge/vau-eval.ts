import { z } from 'zod';
import type { Sample } from '../dataset/sample.js';
import { sum } from '../statistics/moments.js';
import type { Question } from './judge.js';
import { marked, promptFile } from './material.js';

/** VAU-Eval's five parts (VAU-R1, 2505.23504, section 4), in its order. */
export const VAU_EVAL_PARTS = [
  'classification',
  'key_concept',
  'fluency',
  'informativeness',
  'factual_consistency',
] as const;

const grade = () => z.int().min(0).max(10);

/** Five grades from 0 to 10. */
const vauEvalSchema = z.object({
  rationale: z.string(),
  classification: grade(),
  key_concept: grade(),
  fluency: grade(),
  informativeness: grade(),
  factual_consistency: grade(),
});
export type VauEval = z.output<typeof vauEvalSchema>;

/** Of 50. */
export const vauEvalTotal = (grades: VauEval): number => sum(VAU_EVAL_PARTS.map((part) => grades[part]));

/** What is compared: what was annotated, and what a model has said. */
export interface Judged {
  sample: Pick<Sample, 'class' | 'description' | 'reasoning'>;
  /** The model's words. */
  text: string;
}

/** @param prompts a folder whose `vau-eval.md` stands in place of ours */
export const vauEvalQuestion = (judged: Judged, prompts?: string): Question<VauEval> => ({
  instructions: promptFile('judge/vau-eval.md', prompts),
  material: materialOf(judged),
  reply: { name: 'vau_eval', schema: vauEvalSchema },
});

export function materialOf({ sample, text }: Judged): string {
  const { class: label, description, reasoning } = sample;
  const reference = [label === undefined ? '' : `Kind of event: ${label}`, description, reasoning];
  return [marked('REFERENCE', reference.filter(Boolean).join('\n\n')), marked('ANSWER', text)].join('\n\n');
}
