import { type Compared, ngrams } from './words.js';

/** Where the official scorer keeps fractions from being 0/0. */
const [TINY, SMALL] = [1e-15, 1e-9];
const LONGEST = 4;

/** What of a text BLEU is made of. */
export interface BleuParts {
  /** Runs of 1 to 4 words that a reference has as well, as often as it has them; and all runs. */
  hits: number[];
  all: number[];
  length: number;
  /** Of the reference that is closest in length. */
  closest: number;
}

export function bleuParts({ candidate, references }: Compared): BleuParts {
  const lengths = Array.from({ length: LONGEST }, (_, i) => i + 1);
  const hits = lengths.map((n) => {
    const known = references.map((reference) => ngrams(reference, n));
    return [...ngrams(candidate, n)].reduce(
      (sum, [gram, count]) => sum + Math.min(count, Math.max(...known.map((grams) => grams.get(gram) ?? 0))),
      0,
    );
  });
  const { length } = candidate;
  const byCloseness = references.toSorted(
    (a, b) => Math.abs(a.length - length) - Math.abs(b.length - length) || a.length - b.length,
  );
  return { hits, all: lengths.map((n) => Math.max(0, length - n + 1)), length, closest: byCloseness[0]!.length };
}

/** BLEU-n of texts together (Papineni et al. 2002), as the scorer of COCO captions computes it. */
export function bleuOf(texts: readonly BleuParts[], n: number): number {
  const total = (of: (text: BleuParts) => number) => texts.reduce((sum, text) => sum + of(text), 0);
  let product = 1;
  for (let k = 0; k < n; k++) product *= (total(({ hits }) => hits[k]!) + TINY) / (total(({ all }) => all[k]!) + SMALL);
  const ratio = (total(({ length }) => length) + TINY) / (total(({ closest }) => closest) + SMALL);
  return product ** (1 / n) * (ratio < 1 ? Math.exp(1 - 1 / ratio) : 1);
}
