import { z } from 'zod';
import { ratio } from '../statistics/ratio.js';
import type { Question } from './judge.js';
import { promptFile } from './material.js';
import { type Judged, materialOf } from './vau-eval.js';

/** What happens, who takes part, where it is (after FineVAU, arXiv 2601.17258). */
export const CHECKLIST_KINDS = ['what', 'who', 'where'] as const;
export type ChecklistKind = (typeof CHECKLIST_KINDS)[number];

const facts = () => z.array(z.object({ fact: z.string(), stated: z.boolean() }));
const checklistSchema = z.object({ what: facts(), who: facts(), where: facts() });
export type Checklist = z.output<typeof checklistSchema>;

/** @param prompts a folder whose `what-who-where.md` stands in place of ours */
export const checklistQuestion = (judged: Judged, prompts?: string): Question<Checklist> => ({
  instructions: promptFile('judge/what-who-where.md', prompts),
  material: materialOf(judged),
  reply: { name: 'what_who_where', schema: checklistSchema },
});

/** The part of the reference's facts that the answer states; NaN where there are none of a kind. */
export const statedPart = (checklist: Checklist, kind: ChecklistKind): number =>
  ratio(checklist[kind], ({ stated }) => stated);
