import type { MultipleChoice, Part } from './annotation.js';
import { bareAnswer, plainText } from './answer-text.js';
import { controlTokenProblem } from './control-tokens.js';
import type { OptionLetter } from './sample.js';

export const LETTERS: readonly OptionLetter[] = ['A', 'B', 'C', 'D'];

/** An answer to a multiple-choice question, as annotators and models write it. */
export interface ReadChoice {
  letter: OptionLetter;
  /** The option is spelled out, after the letter or in its place. */
  spelledOut: boolean;
  /** What is spelled out is the letter's own option. */
  agrees: boolean;
}

/** `B`, `(B)`, `Option B`, and where a text follows, what stands between them. */
const LETTERED =
  /^(?:(?:option|choice|answer)\s)?(?:\(([A-D])\)|\[([A-D])\]|([A-D]))(?:$|(\s?[.:)：]\s?|\s[-–—]\s|,\s?|\s)(.*)$)/i;
/** Between a letter and a text that need not be its option's: a comma or a space alone may belong to a sentence. */
const CLEAR = /[.:)\]：–—-]/;
/** `or C`, `and (D)`. */
const ANOTHER = /^(?:or|and|\/|&)\s\(?[A-D]\b/i;

/**
 * Reads an answer: a letter (`B`, `(b)`, `B.`, `Option B`, `**B**`, `The answer is B`), an option's text, or both. Never
 * a letter picked out of a sentence; undefined where it names several options, or a letter and another's text.
 */
export function readChoice({ text, options }: { text: string; options?: readonly string[] }): ReadChoice | undefined {
  const said = lettered(text);
  if (said.letter !== undefined && said.after === '') return { letter: said.letter, spelledOut: false, agrees: true };
  const whole = optionsOf({ text, options });
  if (whole.length > 0) return whole.length === 1 ? { letter: whole[0]!, spelledOut: true, agrees: true } : undefined;
  const { letter, isClear, after } = said;
  if (letter === undefined) return undefined;
  const named = optionsOf({ text: after, options });
  if (named.includes(letter)) return { letter, spelledOut: true, agrees: true };
  const another = lettered(after);
  const isAnother = another.letter !== undefined && another.letter !== letter && another.after === '';
  if (!isClear || named.length > 0 || isAnother || ANOTHER.test(after)) return undefined;
  return { letter, spelledOut: true, agrees: false };
}

interface Lettered {
  letter?: OptionLetter;
  /** The letter is set off from what follows it. */
  isClear: boolean;
  after: string;
}

function lettered(text: string): Lettered {
  const [, round, square, bare, between = '', after = ''] = LETTERED.exec(bareAnswer(text)) ?? [];
  const letter = (round ?? square ?? bare)?.toUpperCase() as OptionLetter | undefined;
  return { letter, isClear: bare === undefined || CLEAR.test(between), after };
}

function optionsOf({ text, options = [] }: { text: string; options?: readonly string[] }): OptionLetter[] {
  const wanted = plainText(text);
  return wanted === '' ? [] : LETTERS.filter((_, i) => plainText(options[i] ?? '') === wanted);
}

/** `A. pays`, `(b) steals`: what the prompt will put before each option by itself. */
const OWN_LETTER = /^\(?([A-D])[.):]\s*(?=\S)/i;

/** Options without letters of their own, where all have them, in order. */
export function withoutLetters(options: readonly string[]): string[] {
  const haveLetters = options.every((option, i) => OWN_LETTER.exec(option)?.[1]?.toUpperCase() === LETTERS[i]);
  return options.map((option) => (haveLetters ? option.replace(OWN_LETTER, '') : option));
}

interface RawChoice {
  question: string;
  options: readonly string[];
  answer: string;
}

/** A multiple-choice question as annotated. Empty texts are absent ones. */
export function choiceOf({ question, options: written, answer }: RawChoice): Part<MultipleChoice> {
  if (question === '' && written.join('') === '' && answer === '') return { absent: 'no question' };
  if (question === '') return { problem: 'options without a question' };
  const control = controlTokenProblem({ what: 'the question or an option', texts: [question, ...written] });
  if (control !== undefined) return { problem: control };
  const [a, b, c, d, ...more] = withoutLetters(written);
  if (!a || !b || !c || !d || more.length > 0) return { problem: 'not four options' };
  const options: [string, string, string, string] = [a, b, c, d];
  if (/^\d+$/.test(answer) && !options.includes(answer))
    return { problem: 'the correct option is a number, which may count from 0 or from 1: write A, B, C or D' };
  const read = readChoice({ text: answer, options });
  if (!read?.agrees) return { problem: 'the correct option is not one of A, B, C, D' };
  return { value: { question, options, answer: read.letter, spelledOut: read.spelledOut } };
}
