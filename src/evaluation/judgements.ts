import type { Sample } from '../dataset/sample.js';
import { CHECKLIST_KINDS, type Checklist, checklistQuestion, statedPart } from '../judge/checklist.js';
import type { Judge, Question, Reply } from '../judge/judge.js';
import { VAU_EVAL_PARTS, type VauEval, vauEvalQuestion, vauEvalTotal } from '../judge/vau-eval.js';
import { weightedKappa } from '../statistics/kappa.js';
import { mean } from '../statistics/moments.js';
import { groupBy } from '../system/group-by.js';
import { parseCompletion } from '../tasks/completion.js';
import type { Prediction } from '../tasks/judge.js';
import type { PromptStyle } from '../tasks/task.js';
import { type Figure, figuresOf } from './figures.js';

/** What a judge says of an answer. What it did not say is no grade. */
export interface Judgement {
  sample: Sample;
  grades: Reply<VauEval>;
  facts: Reply<Checklist>;
  /** Of another judge, or of the same asked anew. */
  second?: Reply<VauEval>;
}

/** How many replies there are, and why there is none. */
export interface JudgementCounts {
  graded: number;
  failed: Record<string, number>;
}

/**
 * Has descriptions graded: VAU-Eval, and which facts of the reference they state. An answer that cannot be read is not
 * sent: there is nothing to grade, and nothing to be said for it.
 *
 * @param second whose grades are to agree; left out, nobody's
 */
export async function judgeAnswers(args: {
  judge: Judge;
  second?: { judge: Judge; variant: number };
  predictions: readonly Prediction[];
  style: PromptStyle;
  classes: readonly string[];
  prompts?: string;
  onProgress?: (done: number) => void;
}): Promise<Judgement[]> {
  const { judge, second, predictions, style, classes, prompts, onProgress } = args;
  let done = 0;
  const judged = predictions
    .filter(({ sample }) => sample.task === 'reasoning')
    .map(async ({ sample, text: completion }): Promise<Judgement> => {
      const { answer: text } = parseCompletion({ text: completion, sample, style, classes });
      const ask = <T>(who: Judge, question: Question<T>, variant = 0): Promise<Reply<T>> =>
        who.ask(question, { variant });
      const empty = { failed: 'the answer cannot be read' };
      const compared = { sample, text: text ?? '' };
      const [grades, facts, other] = await Promise.all([
        text === undefined ? empty : ask(judge, vauEvalQuestion(compared, prompts)),
        text === undefined ? empty : ask(judge, checklistQuestion(compared, prompts)),
        second && (text === undefined ? empty : ask(second.judge, vauEvalQuestion(compared, prompts), second.variant)),
      ]);
      onProgress?.(++done);
      return { sample, grades, facts, ...(other && { second: other }) };
    });
  return Promise.all(judged);
}

/**
 * `vau_eval`, of 50, and its parts, of 10; `facts`, the mean of the parts of what, who and where that were stated, and
 * these; `kappa/<part>`, how far two grades of the same answers agree (quadratic weights).
 */
export function gradeFigures(judgements: readonly Judgement[], seed: number): Figure[] {
  const graded = judgements.flatMap(({ sample, grades }) => ('value' in grades ? { sample, ...grades } : []));
  const checked = judgements.flatMap(({ sample, facts }) => ('value' in facts ? { sample, ...facts } : []));
  const twice = judgements.flatMap(({ sample, grades, second }) =>
    'value' in grades && second !== undefined && 'value' in second
      ? { sample, first: grades.value, second: second.value }
      : [],
  );
  const figures = [
    graded.length === 0
      ? []
      : figuresOf({
          items: graded,
          statistics: (items) => ({
            vau_eval: mean(items.map(({ value }) => vauEvalTotal(value))),
            ...byName(VAU_EVAL_PARTS, (part) => [`vau_eval/${part}`, mean(items.map(({ value }) => value[part]))]),
          }),
          seed,
        }),
    checked.length === 0
      ? []
      : figuresOf({
          items: checked,
          statistics: (items) => {
            const parts = CHECKLIST_KINDS.map((kind) => [kind, meanStated(items, kind)] as const);
            const known = parts.filter(([, value]) => Number.isFinite(value));
            return {
              facts: mean(known.map(([, value]) => value)),
              ...byName(known, ([kind, value]) => [`facts/${kind}`, value]),
            };
          },
          seed,
        }),
    twice.length === 0
      ? []
      : figuresOf({
          items: twice,
          statistics: (items) =>
            byName(VAU_EVAL_PARTS, (part) => [
              `kappa/${part}`,
              weightedKappa(items.map(({ first, second }) => [first[part], second[part]])),
            ]),
          seed,
        }),
  ];
  return figures.flat();
}

/** Replies to VAU-Eval's question. */
export function judgementCounts(judgements: readonly Judgement[]): JudgementCounts {
  const reasons = groupBy(
    judgements.flatMap(({ grades }) => ('failed' in grades ? grades.failed : [])),
    (reason) => reason,
  );
  return {
    graded: judgements.filter(({ grades }) => 'value' in grades).length,
    failed: Object.fromEntries([...reasons].map(([reason, all]) => [reason, all.length])),
  };
}

const meanStated = (items: readonly { value: Checklist }[], kind: (typeof CHECKLIST_KINDS)[number]): number =>
  mean(items.map(({ value }) => statedPart(value, kind)).filter(Number.isFinite));

const byName = <T>(items: readonly T[], entry: (item: T) => [string, number]): Record<string, number> =>
  Object.fromEntries(items.map(entry));
