import { randomBits } from '../system/random.js';

const PERMUTATIONS = 5000;
/** So many things have so few ways to be swapped that all are looked at. */
const EXACT = 12;

interface PermutationOptions {
  /** Things that were measured twice: videos, by one model and by another. */
  count: number;
  /** The differences, where the two measurements of the things with a true have changed places. */
  differences: (swapped: readonly boolean[]) => Record<string, number>;
  seed: number;
}

/**
 * The paired permutation test (Fisher 1935): how often differences at least as large would come about if it did not matter
 * which of the two had measured what. Exact for up to 12 things, else from 5000 random ways to swap, the one that
 * happened counted among them (Phipson & Smyth 2010). Two-sided.
 *
 * @returns p by name; of numbers that are not finite as they are, none
 */
export function permutationTest({ count, differences, seed }: PermutationOptions): Record<string, number> {
  const observed = differences(Array<boolean>(count).fill(false));
  const names = Object.keys(observed).filter((name) => Number.isFinite(observed[name]));
  const isExact = count <= EXACT;
  const total = isExact ? 2 ** count : PERMUTATIONS;
  const asLarge = new Map(names.map((name) => [name, isExact ? 0 : 1]));
  const swappedIn = (way: number) =>
    Array.from({ length: count }, (_, i) => (isExact ? ((way >> i) & 1) === 1 : randomBits(seed, way, i) >>> 31 === 1));
  for (let way = 0; way < total; way++) {
    const found = differences(swappedIn(way));
    for (const name of names) {
      // What is equal but for rounding is as large.
      if (!(Math.abs(found[name]!) < Math.abs(observed[name]!) - 1e-12)) asLarge.set(name, asLarge.get(name)! + 1);
    }
  }
  return Object.fromEntries([...asLarge].map(([name, hits]) => [name, hits / (isExact ? total : total + 1)]));
}
