import { mean } from '../../statistics/moments.js';
import { type Compared, ngrams } from './words.js';

const LONGEST = 4;
/** Of the penalty on a difference in length. */
const SIGMA = 6;

/** Of each length of runs: their weights, and the length of that vector. */
interface Vector {
  weights: Map<string, number>[];
  norms: number[];
  /** Pairs of words. */
  length: number;
}

/**
 * CIDEr-D of each text (Vedantam et al. 2015), in [0, 10]: the cosine of the runs of 1 to 4 words, weighed by how rare they
 * are in the references of all texts. Of a single text it is 0: nothing is rare there.
 */
export function cider(texts: readonly Compared[]): number[] {
  const documents = new Map<string, number>();
  for (const { references } of texts) {
    const grams = new Set(references.flatMap((words) => allGrams(words).flatMap((counts) => [...counts.keys()])));
    for (const gram of grams) documents.set(gram, (documents.get(gram) ?? 0) + 1);
  }
  const total = Math.log(texts.length);
  const rarity = (gram: string) => total - Math.log(Math.max(1, documents.get(gram) ?? 0));
  return texts.map(({ candidate, references }) => {
    const own = vectorOf(candidate, rarity);
    return 10 * mean(references.map((reference) => similarity(own, vectorOf(reference, rarity))));
  });
}

const allGrams = (words: readonly string[]) => Array.from({ length: LONGEST }, (_, n) => ngrams(words, n + 1));

function vectorOf(words: readonly string[], rarity: (gram: string) => number): Vector {
  const weights = allGrams(words).map(
    (counts) => new Map([...counts].map(([gram, count]) => [gram, count * rarity(gram)])),
  );
  const norms = weights.map((part) => Math.hypot(...part.values()));
  return { weights, norms, length: Math.max(0, words.length - 1) };
}

function similarity(a: Vector, b: Vector): number {
  const penalty = Math.exp(-((a.length - b.length) ** 2) / (2 * SIGMA ** 2));
  const cosines = a.weights.map((part, n) => {
    let dot = 0;
    for (const [gram, weight] of part) {
      const other = b.weights[n]!.get(gram) ?? 0;
      // A run that is said too often counts as often as the reference has it.
      dot += Math.min(weight, other) * other;
    }
    const norm = a.norms[n]! * b.norms[n]!;
    return norm === 0 ? 0 : dot / norm;
  });
  return penalty * mean(cosines);
}
