import { table } from '../system/table.js';
import type { Comparison } from './compare.js';

/** For people: what each arm does to each number, in words; the primary one first. */
export function comparisonTable(args: {
  axes: readonly string[];
  comparisons: readonly Comparison[];
  base: readonly string[];
  primary?: string;
}): string {
  const { axes, comparisons, base, primary } = args;
  if (comparisons.length === 0) return '';
  const rank = ({ metric }: Comparison) => (metric === primary ? 0 : 1);
  const rows = comparisons
    .toSorted((a, b) => rank(a) - rank(b))
    .map((one) => [one.metric, ...one.labels, ...differenceCells(one), verdictText(one)]);
  const columns = [
    { title: 'number' },
    ...axes.map((title) => ({ title })),
    { title: 'difference', align: 'right' as const },
    { title: '95 % interval', align: 'right' as const },
    { title: 'p', align: 'right' as const },
    { title: '' },
  ];
  const { seeds, samples, videos } = comparisons[0]!;
  const decides = primary === undefined ? '' : ` ${primary} was named beforehand.`;
  const head = `Beside “${base.join(', ')}”, on the same samples (${seeds} seeds; ${samples} samples of ${videos} videos); p adjusted for all arms.${decides}\n`;
  return `${head}\n${table({ columns, rows })}`;
}

function differenceCells({ difference, p }: Comparison): string[] {
  if (difference === null) return ['–', '–', '–'];
  return [
    signed(difference.difference),
    `${signed(difference.low)} to ${signed(difference.high)}`,
    p! < 0.001 ? '< 0.001' : p!.toFixed(3),
  ];
}

/** `worse`, `no difference seen (could have missed ± 0.04)`, … */
export function verdictText({ verdict, difference, seeds, videos, seedsNeeded, isControl }: Comparison): string {
  if (verdict === 'too few seeds') return `${verdict} to tell (${seeds})`;
  if (verdict === 'too few videos') return `${verdict} to tell (${videos})`;
  if (verdict !== 'no difference seen') return verdict;
  const missed = `${verdict} (could have missed ± ${difference!.detectable.toFixed(3)})`;
  const isFar = seedsNeeded === null || seedsNeeded > 100 || isControl;
  return isFar ? missed : `${missed}; one as large as here takes ${seedsNeeded} seeds`;
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
