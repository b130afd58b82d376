import type { Sample } from '../dataset/sample.js';
import { mean } from '../statistics/moments.js';
import { type Figure, figuresOf } from './figures.js';
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
 * of `cider` (0 to 10). They say little of whether an answer is right: a judge does, or the other tasks.
 */
export function textFigures(described: readonly DescribedSample[], seed: number): Figure[] {
  const compared = described.map(({ sample, text }) => ({
    candidate: wordsOf(text),
    references: [wordsOf([sample.description, sample.reasoning].filter(Boolean).join('\n'))],
  }));
  const ciders = cider(compared);
  const items = described.map(({ sample }, i): Scored => {
    const one = compared[i]!;
    return { sample, bleu: bleuParts(one), rouge: rougeL(one), cider: ciders[i]! };
  });
  return figuresOf({
    items,
    statistics: (drawn) => ({
      bleu_1: bleuOf(
        drawn.map(({ bleu }) => bleu),
        1,
      ),
      bleu_4: bleuOf(
        drawn.map(({ bleu }) => bleu),
        4,
      ),
      rouge_l: mean(drawn.map(({ rouge }) => rouge)),
      cider: mean(drawn.map((one) => one.cider)),
    }),
    seed,
  });
}
