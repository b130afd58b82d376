/**
 * Which tokens are among the most uncertain: their entropy is at least the (1 − `part`) quantile of those that count, as
 * `torch.quantile` interpolates it (Beyond the 80/20 Rule, Wang et al. 2025).
 *
 * @param entropies of a micro-batch, in nats. `[M]`
 * @param counts whether a token is learned from at all. `[M]`
 * @returns `[M]`
 */
export function mostUncertain(args: {
  entropies: Float32Array;
  counts: (token: number) => boolean;
  part: number;
}): boolean[] {
  const { entropies, counts, part } = args;
  const sorted = entropies.filter((_, t) => counts(t)).sort();
  const place = (1 - part) * (sorted.length - 1);
  const below = Math.floor(place);
  const [low = 0, high = low] = sorted.subarray(below, below + 2);
  const least = Math.fround(low + (high - low) * (place - below));
  return Array.from(entropies, (entropy, t) => counts(t) && entropy >= least);
}
