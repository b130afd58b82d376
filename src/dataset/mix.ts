import { uniform } from '../system/random.js';
import { dataOrder, type OrderEntry } from './order.js';

/** A source of a mix: how many samples it has, and what part of those drawn it is to give, relative to the others. */
export interface MixPart {
  count: number;
  weight: number;
}

/**
 * The order in which a mix of sources is seen: at every position the source that is furthest behind its part gives its
 * next sample, so that parts hold in every stretch, not only on average; each source is seen whole, shuffled, before any
 * of it comes again. `index` counts through the sources, one after the other.
 *
 * A pure function of (seed, parts, position); the way to a position is kept.
 */
export function mixedOrder({
  seed,
  parts,
}: {
  seed: number;
  parts: readonly MixPart[];
}): (position: number) => OrderEntry {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const all = parts.reduce((sum, { count }) => sum + count, 0);
  const firsts = parts.map((_, s) => parts.slice(0, s).reduce((sum, { count }) => sum + count, 0));
  const orders = parts.map(({ count }, s) => dataOrder({ seed: (seed + s) | 0, count }));
  /** By position: the source, and how many of its samples came before. */
  const way: { source: number; before: number }[] = [];
  const counts = parts.map(() => 0);
  return (position) => {
    for (let p = way.length; p <= position; p++) {
      // Who has no samples gives none; who starts is the seed's affair.
      const behind = parts.map(({ count, weight }, s) =>
        count === 0 ? Number.NEGATIVE_INFINITY : (weight / total) * (p + 1) - counts[s]! + uniform(seed, s) / 2,
      );
      const source = behind.indexOf(Math.max(...behind));
      way.push({ source, before: counts[source]! });
      counts[source]! += 1;
    }
    const { source, before } = way[position]!;
    return { index: firsts[source]! + orders[source]!(before).index, epoch: Math.floor(position / all) };
  };
}
