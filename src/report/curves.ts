import { mean } from '../statistics/moments.js';
import type { Metrics } from '../trainer/metrics.js';
import type { Curves } from './page-data.js';

/** Points of a curve: more than a screen shows. */
const POINTS = 500;

/** Lines of metrics as curves, thinned by taking the mean of neighbours. */
export function curvesOf(metrics: readonly Metrics[]): Curves {
  const every = Math.max(1, Math.ceil(metrics.length / POINTS));
  const parts = Array.from({ length: Math.ceil(metrics.length / every) }, (_, i) =>
    metrics.slice(i * every, (i + 1) * every),
  );
  const names = [...new Set(metrics.flatMap((line) => Object.keys(line)))].filter((name) => name !== 'step');
  return {
    every,
    steps: parts.map((part) => part.at(-1)!.step ?? 0),
    series: Object.fromEntries(names.map((name) => [name, parts.map((part) => meanOf(part, name))])),
  };
}

/** The curves of several runs as one: the mean of those that have got so far. */
export function meanCurves(runs: readonly Curves[]): Curves {
  const longest = runs.reduce<Curves>((most, one) => (one.steps.length > most.steps.length ? one : most), {
    every: 1,
    steps: [],
    series: {},
  });
  const names = [...new Set(runs.flatMap(({ series }) => Object.keys(series)))];
  const at = (name: string, i: number) => runs.flatMap(({ series }) => series[name]?.[i] ?? []);
  const series = names.map((name) => [name, longest.steps.map((_, i) => rounded(mean(at(name, i))))] as const);
  return { ...longest, series: Object.fromEntries(series) };
}

const meanOf = (part: readonly Metrics[], name: string): number | null =>
  rounded(mean(part.flatMap((line) => line[name] ?? [])));

/** Digits that nobody sees are left out: a page is to stay small. */
const rounded = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(5)) : null);
