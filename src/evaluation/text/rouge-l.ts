import type { Compared } from './words.js';

/** How much more recall weighs than precision, in the scorer of COCO captions. */
const BETA = 1.2;

/** ROUGE-L of one text (Lin 2004): the longest common subsequence of words; the best of the references for each part. */
export function rougeL({ candidate, references }: Compared): number {
  const common = references.map((reference) => longestCommon(candidate, reference));
  const best = (lengths: readonly number[]) =>
    Math.max(...common.map((length, i) => length / Math.max(1, lengths[i]!)));
  const precision = best(references.map(() => candidate.length));
  const recall = best(references.map(({ length }) => length));
  return precision === 0 || recall === 0
    ? 0
    : ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
}

function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const word of a) {
    const next = new Uint32Array(b.length + 1);
    for (let j = 1; j <= b.length; j++) next[j] = word === b[j - 1] ? row[j - 1]! + 1 : Math.max(row[j]!, next[j - 1]!);
    row = next;
  }
  return row[b.length]!;
}
