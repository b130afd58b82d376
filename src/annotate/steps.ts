import { z } from 'zod';
import { NORMAL_CLASS } from '../dataset/classes.js';
import type { Question } from '../judge/judge.js';
import { marked, promptFile } from '../judge/material.js';

/** What is known of a video before anybody has looked. */
export interface Known {
  /** Its class, as the dataset that it is from says. */
  class?: string;
  /** `[start, end]` in seconds, or normal. */
  segment?: [number, number] | 'normal';
  /** A description that there is already. */
  caption?: string;
}

/** What a video is annotated from. */
export interface Material {
  /** `data:image/jpeg;base64,…`, none where there is a caption. */
  images: readonly string[];
  /** Seconds, of each. */
  times: readonly number[];
  known: Known;
  classes: readonly string[];
  /** A folder whose files stand in place of our prompts of the same names. */
  prompts?: string;
}

export const descriptionSchema = z.object({ description: z.string().min(1) });

const reasoningSchema = z.object({
  judgement: z.enum(['Anomaly', NORMAL_CLASS]),
  anomaly_class: z.string().min(1),
  evidence: z.string().min(1),
  cause: z.string(),
  result: z.string(),
  start: z.number(),
  end: z.number(),
});
export type Reasoning = z.output<typeof reasoningSchema>;

const keyObjectSchema = z.object({ key_object: z.string().min(1) });

const questionSchema = z.object({
  question: z.string().min(1),
  answer: z.string().min(1),
  distractors: z.array(z.string().min(1)).length(3),
});
export type Choice = z.output<typeof questionSchema>;

const refinementSchema = questionSchema.extend({ description: z.string().min(1) });
export type Refined = z.output<typeof refinementSchema>;

const prompt = (name: string, { prompts }: Material) => promptFile(`annotate/${name}.md`, prompts);

/** What there is to see, with its times. */
const seen = ({ times, known }: Material): string =>
  known.caption === undefined
    ? `The frames are at ${times.map((time) => time.toFixed(1)).join(', ')} s.`
    : marked('DESCRIPTION BY OTHERS', known.caption);

export const describe = (material: Material): Question<z.output<typeof descriptionSchema>> => ({
  instructions: prompt('description', material),
  material: seen(material),
  images: material.images,
  reply: { name: 'description', schema: descriptionSchema },
});

/** @param known the class that the video is known to be of, where an analysis has missed it */
export const reason = (
  material: Material,
  { description, known, before }: { description: string; known?: string; before?: Reasoning },
): Question<Reasoning> => ({
  instructions: prompt('reasoning', material),
  material: [
    marked('DESCRIPTION', description),
    seen(material),
    `The labels are: ${material.classes.join(', ')}.`,
    ...(known === undefined ? [] : [`The video is known to be of the class ${known}.`]),
    ...(before === undefined ? [] : [marked('FIRST ANALYSIS', JSON.stringify(before))]),
  ].join('\n\n'),
  images: material.images,
  reply: { name: 'reasoning', schema: reasoningSchema },
});

export const nameKeyObject = (
  material: Material,
  parts: { description: string; reasoning: Reasoning },
): Question<z.output<typeof keyObjectSchema>> => ({
  instructions: prompt('key-object', material),
  material: about(parts),
  reply: { name: 'key_object', schema: keyObjectSchema },
});

/** @param uneven a question whose answers give the right one away by their lengths */
export const askQuestion = (
  material: Material,
  parts: { description: string; reasoning: Reasoning; keyObject: string; uneven?: Choice },
): Question<Choice> => ({
  instructions: prompt('question', material),
  material: [
    about(parts),
    `Key object: ${parts.keyObject}`,
    ...(parts.uneven === undefined
      ? []
      : [
          `Before, the answers could be told apart by their lengths. Make them alike:`,
          marked('BEFORE', JSON.stringify(parts.uneven)),
        ]),
  ].join('\n\n'),
  reply: { name: 'question', schema: questionSchema },
});

export const refine = (material: Material, parts: { description: string; choice: Choice }): Question<Refined> => ({
  instructions: prompt('refinement', material),
  material: [marked('DESCRIPTION', parts.description), marked('QUESTION', JSON.stringify(parts.choice))].join('\n\n'),
  reply: { name: 'refinement', schema: refinementSchema },
});

const about = ({ description, reasoning }: { description: string; reasoning: Reasoning }): string =>
  [marked('DESCRIPTION', description), marked('ANALYSIS', JSON.stringify(reasoning))].join('\n\n');
