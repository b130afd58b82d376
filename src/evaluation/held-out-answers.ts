import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TASK_NAMES } from '../config/task-names.js';
import { UsageError } from '../system/errors.js';
import { judge, type Prediction } from '../tasks/judge.js';
import { taskNamed } from '../tasks/named.js';
import type { PromptStyle } from '../tasks/task.js';
import { videosOf } from './by-video.js';

const lineSchema = z.object({
  /** After which the policy was asked. */
  step: z.int().nonnegative(),
  sample_id: z.string(),
  task: z.enum(TASK_NAMES),
  /** What it is about: samples with the same are no separate evidence. */
  video: z.string(),
  text: z.string(),
  /** What its task's number is the mean of; null for a task without one. */
  value: z.number().nullable(),
});
/** An answer to a held-out sample, and what it is worth. */
export type HeldOutAnswer = z.output<typeof lineSchema>;

/** The answers of an evaluation. */
export function heldOutAnswers(args: {
  step: number;
  predictions: readonly Prediction[];
  style: PromptStyle;
  classes: readonly string[];
}): HeldOutAnswer[] {
  const { step, predictions, style, classes } = args;
  return judge({ predictions, style, classes }).map((judged, i): HeldOutAnswer => {
    const { sample } = judged;
    const value = taskNamed(sample.task).headline?.value(judged) ?? null;
    return {
      step,
      sample_id: sample.id,
      task: sample.task,
      video: videosOf(sample),
      text: predictions[i]!.text,
      value,
    };
  });
}

/** As `held-out.jsonl` has them, a line an answer. */
export const heldOutText = (answers: readonly HeldOutAnswer[]): string =>
  answers.map((answer) => `${JSON.stringify(answer)}\n`).join('');

/** Reads `held-out.jsonl`; none where there is no such file. @throws {UsageError} `HELD_OUT_DAMAGED` */
export async function readHeldOut(file: string): Promise<HeldOutAnswer[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, i) => {
    try {
      return lineSchema.parse(JSON.parse(line));
    } catch (cause) {
      const message = `${file}: line ${i + 1} is no answer to a held-out sample; evaluate the run anew`;
      throw new UsageError({ code: 'HELD_OUT_DAMAGED', message, cause });
    }
  });
}
