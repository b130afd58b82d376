import type { Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { mostFrequent } from '../tasks/most-frequent.js';
import { type Figure, figuresOf } from './figures.js';
import { guessesAt } from './guessed.js';
import { type BleuParts, bleuOf, bleuParts } from './text/bleu.js';
import { cider } from './text/cider.js';
import { rougeL } from './text/rouge-l.js';
import { wordsOf } from './text/words.js';

/** Words about a video, and those of the annotation. */
export interface DescribedSample {
  sample: Sample;
  text: string;
}

interface Scored {
  sample: Sample;
  bleu: BleuParts;
  rouge: number;
  cider: number;
}

/**
 * How much of the annotated words an answer has: `bleu_4` and `bleu_1` of all answers together, the means of `rouge_l` and
 * of `cider` (0 to 10). They say little of whether an answer is right: a judge does, or the other tasks. The guesser says
 * of each video what was annotated of one in training, of the most frequent class.
 */
export function textFigures(args: {
  described: readonly DescribedSample[];
  train: readonly Sample[];
  seed: number;
}): Figure[] {
  const { described, train, seed } = args;
  const known = guess(train);
  const guessed =
    known === undefined
      ? []
      : [{ name: 'always one of training', metrics: statistics(scored(repeated(described, known))) }];
  return figuresOf({ items: scored(described), statistics, seed }).map((figure) => ({
    ...figure,
    ...guessesAt(guessed, figure),
  }));
}

const annotated = ({ description, reasoning }: Sample): string => [description, reasoning].filter(Boolean).join('\n');

function guess(train: readonly Sample[]): string | undefined {
  const label = mostFrequent(train.map((sample) => sample.class));
  const typical = train.find((sample) => sample.class === label);
  return typical && annotated(typical);
}

const repeated = (described: readonly DescribedSample[], text: string): DescribedSample[] =>
  described.map(({ sample }) => ({ sample, text }));

function scored(described: readonly DescribedSample[]): Scored[] {
  const compared = described.map(({ sample, text }) => ({
    candidate: wordsOf(text),
    references: [wordsOf(annotated(sample))],
  }));
  const ciders = cider(compared);
  return described.map(({ sample }, i) => {
    const one = compared[i]!;
    return { sample, bleu: bleuParts(one), rouge: rougeL(one), cider: ciders[i]! };
  });
}

function statistics(items: readonly Scored[]): Record<string, number> {
  const parts = items.map(({ bleu }) => bleu);
  return {
    bleu_1: bleuOf(parts, 1),
    bleu_4: bleuOf(parts, 4),
    rouge_l: mean(items.map(({ rouge }) => rouge)),
    cider: mean(items.map((one) => one.cider)),
  };
}
