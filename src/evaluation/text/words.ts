/**
 * The words of a text, as captions are compared: lower case, letters and digits with the apostrophes between them;
 * nothing else counts. (The official scorers take Stanford's tokenizer, which wants Java: figures differ from theirs
 * by what the two split otherwise, not by how they are computed.)
 */
export const wordsOf = (text: string): string[] =>
  text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu) ?? [];

/** How often each run of n words occurs. */
export function ngrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const gram = words.slice(i, i + n).join(' ');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** A text in words, and those that it is compared with. */
export interface Compared {
  candidate: readonly string[];
  references: readonly (readonly string[])[];
}
