import { LETTERS } from '../dataset/choice.js';
import { matchClass, NORMAL_CLASS } from '../dataset/classes.js';
import type { OptionLetter } from '../dataset/sample.js';
import type { Judge, Question, Reply } from '../judge/judge.js';
import { permutation, textKey } from '../system/random.js';
import {
  askQuestion,
  type Choice,
  describe,
  type Known,
  type Material,
  nameKeyObject,
  type Reasoning,
  reason,
  refine,
} from './steps.js';

/** An annotated video, with what a person should look at. */
export interface Annotated {
  video: string;
  question: string;
  options: [string, string, string, string];
  answer: OptionLetter;
  key_object: string;
  description: string;
  reasoning: string;
  class: string;
  segment?: [number, number] | 'normal';
  /** What is odd about it, for people. */
  notes: string[];
}

/** Times that a class or a question is asked for again. */
const TRIES = 2;

/** A step that has no reply. */
class StepFailed extends Error {}

/**
 * Annotates a video as VAU-Bench was (VAU-R1, 2505.23504, appendix A): description, reasoning by parts, check against the
 * class that it is known to be of, key object, a question with distractors, refinement. Each step is a prompt file and a
 * schema; a step that was done before is not paid for again.
 *
 * @param name of the video in the annotation file
 * @returns the annotation, or which step failed and why
 */
export async function annotateVideo(args: {
  judge: Judge;
  name: string;
  material: Material;
  seed: number;
}): Promise<{ annotated: Annotated } | { failed: string }> {
  const { judge, name, material, seed } = args;
  const ask = async <T>(step: string, question: Question<T>, variant = 0): Promise<T> =>
    saidAt(step, await judge.ask(question, { variant }));
  try {
    const { known } = material;
    const described = await ask('description', describe(material));
    const { reasoning, notes } = await checkedReasoning({ ask, material, description: described.description });
    const { key_object } = await ask('key object', nameKeyObject(material, { ...described, reasoning }));
    const choice = await evenChoice({ ask, material, ...described, reasoning, keyObject: key_object });
    const refined = await ask('refinement', refine(material, { ...described, choice }));
    const { description } = refined;
    // Polishing must not spoil what was right.
    const final = choiceProblem(refined) === undefined || choiceProblem(choice) !== undefined ? refined : choice;
    const problem = choiceProblem(final);
    const label = known.class ?? labelOf(reasoning, material.classes);
    const annotated: Annotated = {
      video: name,
      ...shuffled({ choice: final, key: `${seed}:${name}` }),
      key_object,
      description,
      reasoning: reasoningText(reasoning),
      class: label,
      ...segmentOf({ known, reasoning, label }),
      notes: [
        ...notes,
        ...(problem === undefined ? [] : [problem]),
        ...(material.classes.includes(label) ? [] : [`the class ${label} is not in the list of classes`]),
      ],
    };
    return { annotated };
  } catch (error) {
    if (error instanceof StepFailed) return { failed: error.message };
    throw error;
  }
}

type Ask = <T>(step: string, question: Question<T>, variant?: number) => Promise<T>;

function saidAt<T>(step: string, reply: Reply<T>): T {
  if ('value' in reply) return reply.value;
  throw new StepFailed(`${step}: ${reply.failed}`);
}

/** The analysis, asked for again where it misses the class that the video is known to be of. */
async function checkedReasoning(args: {
  ask: Ask;
  material: Material;
  description: string;
}): Promise<{ reasoning: Reasoning; notes: string[] }> {
  const { ask, material, description } = args;
  const { known, classes } = material;
  let reasoning = await ask('reasoning', reason(material, { description }));
  const agrees = () => known.class === undefined || labelOf(reasoning, classes) === known.class;
  for (let time = 0; time < TRIES && !agrees(); time++) {
    const hint = { description, known: known.class, before: reasoning };
    reasoning = await ask('reasoning', reason(material, hint), time + 1);
  }
  const found = labelOf(reasoning, classes);
  return { reasoning, notes: agrees() ? [] : [`known as ${known.class}, and analysed as ${found}`] };
}

/** In the spelling of the list, where it is in it. */
const labelOf = ({ judgement, anomaly_class }: Reasoning, classes: readonly string[]): string =>
  judgement === NORMAL_CLASS ? NORMAL_CLASS : (matchClass({ label: anomaly_class, classes }) ?? anomaly_class);

/** A question that gives nothing away, as far as one is to be had. */
async function evenChoice(args: {
  ask: Ask;
  material: Material;
  description: string;
  reasoning: Reasoning;
  keyObject: string;
}): Promise<Choice> {
  const { ask, material, ...parts } = args;
  let choice = await ask('question', askQuestion(material, parts));
  for (let time = 0; time < TRIES && choiceProblem(choice) !== undefined; time++)
    choice = await ask('question', askQuestion(material, { ...parts, uneven: choice }), time + 1);
  return choice;
}

/** What gives the right answer away, or makes it no question; undefined: nothing. */
export function choiceProblem({ answer, distractors }: Pick<Choice, 'answer' | 'distractors'>): string | undefined {
  const plain = [answer, ...distractors].map((text) => text.trim().toLowerCase());
  if (new Set(plain).size < plain.length) return 'two options are the same';
  const words = (text: string) => text.split(/\s+/).filter(Boolean).length;
  const others = distractors.map(words);
  const isLong = words(answer) > Math.max(...others) + 1 || answer.length > 1.25 * longest(distractors);
  return isLong || words(answer) < Math.min(...others) - 1 ? 'the right option can be told by its length' : undefined;
}

const longest = (texts: readonly string[]) => Math.max(...texts.map(({ length }) => length));

function shuffled({
  choice,
  key,
}: {
  choice: Choice;
  key: string;
}): Pick<Annotated, 'question' | 'options' | 'answer'> {
  const all = [choice.answer, ...choice.distractors];
  const order = [...permutation(4, textKey(key))];
  const options = order.map((i) => all[i]!) as Annotated['options'];
  return { question: choice.question, options, answer: LETTERS[order.indexOf(0)]! };
}

const reasoningText = ({ judgement, anomaly_class, evidence, cause, result }: Reasoning): string =>
  [
    `Judgement: ${judgement}`,
    ...(judgement === NORMAL_CLASS ? [] : [`Type: ${anomaly_class}`]),
    `Evidence: ${evidence}`,
    `Cause: ${cause}`,
    `Result: ${result}`,
  ].join('\n');

/** Known times stand; times that a model has named are for a person to look at, where they can be times at all. */
function segmentOf(args: { known: Known; reasoning: Reasoning; label: string }): Pick<Annotated, 'segment'> {
  const { known, reasoning, label } = args;
  if (known.segment !== undefined) return { segment: known.segment };
  if (label === NORMAL_CLASS) return { segment: 'normal' };
  const { start, end } = reasoning;
  return start >= 0 && end > start ? { segment: [start, end] } : {};
}
