import type { MultipleChoice, Part } from './annotation.js';
import type { OptionLetter } from './sample.js';

export const LETTERS: readonly OptionLetter[] = ['A', 'B', 'C', 'D'];

/** Two texts are the same option when they differ in case and spacing only. */
export const sameText = (a: string, b: string) => plain(a) === plain(b);
const plain = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();

interface RawChoice {
  question: string;
  options: readonly string[];
  answer: string;
}

/** A multiple-choice question as annotated. Empty texts are absent ones. */
export function choiceOf({ question, options, answer }: RawChoice): Part<MultipleChoice> {
  if (question === '') return { problem: 'no question' };
  const [a, b, c, d, ...more] = options;
  if (!a || !b || !c || !d || more.length > 0) return { problem: 'not four options' };
  const four: [string, string, string, string] = [a, b, c, d];
  const letter = letterOf({ answer, options: four });
  if (letter === undefined) return { problem: 'the correct option is not one of A, B, C, D' };
  return { value: { question, options: four, answer: letter, spelledOut: answer.length > 1 } };
}

/** `D`, or `D. text` where the text is that of option D: some rows of VAU-Bench spell the option out. */
function letterOf({ answer, options }: { answer: string; options: readonly string[] }): OptionLetter | undefined {
  const match = /^([A-D])(?:[.):]\s*(.+))?$/is.exec(answer);
  const letter = LETTERS.find((known) => known === match?.[1]?.toUpperCase());
  if (letter === undefined) return undefined;
  const text = match?.[2];
  return text === undefined || sameText(text, options[LETTERS.indexOf(letter)]!) ? letter : undefined;
}
