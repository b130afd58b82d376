import { mean, standardDeviation } from '../statistics/moments.js';

/** What a group is chosen by. */
export interface GroupSketch {
  step: number;
  id: string;
  rewards: number[];
  hasProblem: boolean;
  isTruncated: boolean;
}

/** Of each kind, at least so many, if there is room. */
const OF_A_KIND = 12;

/**
 * The groups that are worth a look, the most telling first: samples at their first and last step, the best, the worst,
 * those whose completions differ most, those with answers that cannot be read or were cut off; then others, spread over
 * the run.
 *
 * @returns all groups' numbers in that order: whoever has less room takes fewer
 */
export function chooseGroups(groups: readonly GroupSketch[]): number[] {
  const all = groups.map((group, i) => ({ ...group, i, reward: mean(group.rewards) }));
  const known = all.filter(({ reward }) => Number.isFinite(reward));
  const byReward = known.toSorted((a, b) => a.reward - b.reward || a.i - b.i);
  const bySpread = known.toSorted((a, b) => standardDeviation(b.rewards) - standardDeviation(a.rewards) || a.i - b.i);
  const spread = spreadOut(all.map(({ i }) => i));
  const kinds = [
    twice(all),
    byReward.map(({ i }) => i),
    byReward.toReversed().map(({ i }) => i),
    bySpread.map(({ i }) => i),
    all.filter(({ hasProblem }) => hasProblem).map(({ i }) => i),
    all.filter(({ isTruncated }) => isTruncated).map(({ i }) => i),
  ].map((kind) => kind.slice(0, OF_A_KIND));
  const inTurn = Array.from({ length: OF_A_KIND }, (_, n) => kinds.flatMap((kind) => kind[n] ?? []));
  return [...new Set([...inTurn.flat(), ...spread])];
}

/** Samples that came at different steps: the first and the last time, one after the other. */
function twice(all: readonly { id: string; step: number; i: number }[]): number[] {
  const bySample = new Map<string, { step: number; i: number }[]>();
  for (const { id, step, i } of all) {
    const known = bySample.get(id);
    if (known) known.push({ step, i });
    else bySample.set(id, [{ step, i }]);
  }
  return [...bySample.values()]
    .map((times) => [times[0]!, times.at(-1)!] as const)
    .filter(([first, last]) => first.step < last.step)
    .toSorted(([a, b], [c, d]) => d.step - c.step - (b.step - a.step))
    .flatMap(([first, last]) => [first.i, last.i]);
}

/** First, last, middle, quarters …: however many are taken, they lie evenly. */
function spreadOut(items: readonly number[]): number[] {
  const order: number[] = [];
  for (let parts = 1; order.length < items.length; parts *= 2)
    for (let k = 0; k <= parts; k++) {
      const item = items[Math.round((k * (items.length - 1)) / parts)]!;
      if (parts === 1 || k % 2 === 1) order.push(item);
      if (parts > 2 * items.length) return [...new Set([...order, ...items])];
    }
  return [...new Set(order)];
}
