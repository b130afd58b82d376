import { LETTERS } from '../dataset/choice.js';
import type { OptionLetter, Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { mostFrequent } from '../tasks/most-frequent.js';
import { type Figure, figuresOf } from './figures.js';

/** A question that was asked with its options in several orders. */
export interface ReorderedQuestion {
  sample: Sample;
  /** The option that each answer names, as text; undefined: none that can be read. */
  chosen: (string | undefined)[];
}

/**
 * Whether answers are about what options say, not where they stand: `option_consistency`, the part of the questions whose
 * answers all name the same option; `option_vote_accuracy`, that of the option named most often (the first of several);
 * `option_mean_accuracy`, over all orders.
 */
export const optionFigures = (questions: readonly ReorderedQuestion[], seed: number): Figure[] =>
  figuresOf({
    items: questions,
    statistics: (items) => ({
      option_consistency: mean(items.map(({ chosen }) => Number(isSame(chosen)))),
      option_vote_accuracy: mean(items.map(({ sample, chosen }) => Number(vote(chosen) === rightOption(sample)))),
      option_mean_accuracy: mean(
        items.map(({ sample, chosen }) => mean(chosen.map((option) => Number(option === rightOption(sample))))),
      ),
    }),
    seed,
  });

const isSame = ([first, ...others]: readonly (string | undefined)[]) =>
  first !== undefined && others.every((option) => option === first);

const vote = (chosen: readonly (string | undefined)[]) => mostFrequent(chosen.filter((option) => option !== undefined));

/** The text of an option, by its letter. */
export const optionAt = ({ options }: Sample, letter: string | undefined): string | undefined =>
  options?.[LETTERS.indexOf(letter as OptionLetter)];

const rightOption = (sample: Sample) => optionAt(sample, sample.answer);
