import { permutation, textKey } from '../system/random.js';
import { LETTERS } from './choice.js';
import type { OptionLetter, Sample } from './sample.js';

/** An option about the others, which stands after them: `None of the above`, `All of these`. */
const ABOUT_ALL =
  /\b(?:all|none|any|neither|both) of (?:the (?:above|others?|options|these)|these|them)\b|\bthe above\b/i;
/** An option that is nothing but letters of others: `Both A and B`, `A, B or C`, `Neither (A) nor (C)`. */
const LISTED =
  /^(?:(?:both|either|neither|only|options?|answers?) )*\(?[A-D]\)?(?:(?:, | (?:and|or|nor|&) |, (?:and|or) )\(?[A-D]\)?)+\.?$/i;
/** One that is named: `option B`, `answer (C)`, `choice d`. */
const NAMED = /\b(option|answer|choice)(\s+\(?)([A-D])\b/gi;

/**
 * A question with its options in another order, and all that is said of them: the letter of the answer, letters that
 * options, the reasoning and the description name. An option about the others (`None of the above`) keeps its place.
 *
 * @param keys of the order
 */
export function withShuffledOptions(sample: Sample, ...keys: number[]): Sample {
  const { options, answer } = sample;
  if (options === undefined || answer === undefined) return sample;
  const free = [...options.keys()].filter((i) => !ABOUT_ALL.test(options[i]!));
  const order = permutation(free.length, ...keys, textKey(sample.id));
  /** By its new place, where an option was. */
  const from = options.map((_, i) => (free.includes(i) ? free[order[free.indexOf(i)]!]! : i));
  const to = (letter: string) => LETTERS[from.indexOf(LETTERS.indexOf(letter.toUpperCase() as OptionLetter))]!;
  const follow = (text: string) =>
    LISTED.test(text)
      ? text.replace(/\b[A-D]\b/g, to)
      : text.replace(NAMED, (_, word: string, gap: string, letter: string) => `${word}${gap}${to(letter)}`);
  const followed = (text: string | undefined) => (text === undefined ? undefined : withLabels(follow(text)));
  /** `B. a fire`: the option with its letter. */
  const withLabels = (text: string) =>
    options.reduce((result, option, i) => {
      const letter = LETTERS[i]!;
      return result.replaceAll(`${letter}. ${option}`, `${to(letter)}. ${option}`);
    }, text);
  return {
    ...sample,
    options: from.map((i) => follow(options[i]!)) as [string, string, string, string],
    answer: to(answer),
    description: followed(sample.description),
    reasoning: followed(sample.reasoning),
  };
}
