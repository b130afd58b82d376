import { groupBy } from '../system/group-by.js';

/** How often each occurs, the most frequent first. */
export function tally(words: readonly string[]): Record<string, number> {
  const counts = [...groupBy(words, (word) => word)].map(([word, all]) => [word, all.length] as const);
  return Object.fromEntries(counts.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
