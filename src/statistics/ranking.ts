/** A number for a thing that is or is not of a kind. */
export interface Scored {
  score: number;
  positive: boolean;
  /** What finding it adds to recall; left out, as much as any other. */
  gain?: number;
}

/** Things in falling order of their numbers, ready to be measured again and again with other weights. */
export interface Ranked {
  items: readonly Scored[];
  /** Where each of `items` stood. */
  from: Int32Array;
}

export function ranked(items: readonly Scored[]): Ranked {
  const from = Int32Array.from(items.keys()).sort((a, b) => items[b]!.score - items[a]!.score);
  return { items: Array.from(from, (i) => items[i]!), from };
}

/** How often a thing counts, by its place in the list that was ranked. */
type WeightOf = (place: number) => number;
const once: WeightOf = () => 1;

/**
 * The area under the receiver operating characteristic: how often a positive has a larger number than a negative, one
 * half where they are equal. NaN where there is only one kind. As scikit-learn's `roc_auc_score`.
 */
export function rocAuc({ items, from }: Ranked, weightOf: WeightOf = once): number {
  let area = 0;
  let [positives, negatives] = [0, 0];
  for (let i = 0; i < items.length; ) {
    const { score } = items[i]!;
    let [more, less] = [0, 0];
    for (; i < items.length && items[i]!.score === score; i++) {
      if (items[i]!.positive) more += weightOf(from[i]!);
      else less += weightOf(from[i]!);
    }
    area += less * (positives + more / 2);
    positives += more;
    negatives += less;
  }
  return area / (positives * negatives);
}

/**
 * Precision, summed over thresholds by what each adds to recall, without interpolation. NaN without a positive. As
 * scikit-learn's `average_precision_score`, where all gains are equal.
 */
export function averagePrecision({ items, from }: Ranked, weightOf: WeightOf = once): number {
  let [area, whole] = [0, 0];
  let [hits, seen] = [0, 0];
  for (let i = 0; i < items.length; ) {
    const { score } = items[i]!;
    let gained = 0;
    for (; i < items.length && items[i]!.score === score; i++) {
      const weight = weightOf(from[i]!);
      seen += weight;
      if (!items[i]!.positive) continue;
      hits += weight;
      gained += weight * (items[i]!.gain ?? 1);
    }
    if (gained > 0) area += gained * (hits / seen);
    whole += gained;
  }
  return area / whole;
}
