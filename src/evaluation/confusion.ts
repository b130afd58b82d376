import type { JudgedPrediction } from '../tasks/task.js';

/** Answers that name no label of the list. */
export const UNREADABLE = '(unreadable)';

/** How often each label was answered to the samples of each class. */
export interface Confusion {
  /** Annotated or answered ones, sorted; `(unreadable)` at the end where there are such answers. */
  labels: string[];
  /** A row for each annotated class: the answers in the order of `labels`. */
  rows: Record<string, number[]>;
}

export function confusionOf(judged: readonly JudgedPrediction[]): Confusion {
  const pairs = judged.map(({ sample, parsed }) => [sample.class ?? '', parsed.answer ?? UNREADABLE] as const);
  const known = new Set(pairs.flat().filter((label) => label !== UNREADABLE));
  const labels = [...[...known].sort(), ...(pairs.some(([, answer]) => answer === UNREADABLE) ? [UNREADABLE] : [])];
  const classes = [...new Set(pairs.map(([label]) => label))].sort();
  const rows = classes.map((label) => {
    const own = pairs.filter(([annotated]) => annotated === label);
    return [label, labels.map((answer) => own.filter(([, given]) => given === answer).length)] as const;
  });
  return { labels, rows: Object.fromEntries(rows) };
}
