import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { interquartileMean } from '../statistics/interquartile-mean.js';
import { mean, standardDeviation } from '../statistics/moments.js';
import { writeAtomically } from '../system/atomic-write.js';
import { table } from '../system/table.js';
import { armsOf, type Outcome } from './arms.js';
import type { Comparison } from './compare.js';
import type { TermCurve } from './curves.js';
import type { Axis } from './file.js';

/** The mean over seeds, and how far seeds lie apart. */
export interface Spread {
  mean: number;
  /** Sample standard deviation; undefined for one seed. */
  std?: number;
  seeds: number;
}

/** One combination of choices over its seeds. */
export interface SummaryRow {
  labels: string[];
  /** How many of its runs are done, of how many. */
  done: number;
  planned: number;
  metrics: Record<string, Spread>;
  /** The interquartile mean of the tasks' numbers over tasks and seeds; left out where there is one task. */
  iqm?: number;
}

/** Runs that differ only in their seed, put together. */
export function summarize(outcomes: readonly Outcome[]): SummaryRow[] {
  return armsOf(outcomes).map(({ labels, outcomes: own }) => {
    const done = own.flatMap(({ finished }) => (finished ? [finished.evaluation] : []));
    const valuesOf = (name: string) =>
      done.map((evaluation) => evaluation[name]).filter((value) => Number.isFinite(value)) as number[];
    const metrics = metricNames(own).map((name) => [name, spread(valuesOf(name))] as const);
    const headlines = headlineNames(own);
    const iqm = interquartileMean(headlines.flatMap(valuesOf));
    return {
      labels,
      done: done.length,
      planned: own.length,
      metrics: Object.fromEntries(metrics),
      ...(headlines.length > 1 && Number.isFinite(iqm) && { iqm }),
    };
  });
}

function spread(values: number[]): Spread {
  const std = values.length > 1 ? standardDeviation(values) : undefined;
  return { mean: mean(values), seeds: values.length, ...(std !== undefined && { std }) };
}

function metricNames(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.flatMap(({ finished }) => Object.keys(finished?.evaluation ?? {})))];
}

/**
 * The metrics that stand for their tasks: those with a confidence interval. (Not the mean reward: its terms may be
 * weighted differently in each row.) All of them, where none has one.
 */
function shownNames(outcomes: readonly Outcome[]): string[] {
  const headlines = headlineNames(outcomes);
  return headlines.length > 0 ? headlines : metricNames(outcomes);
}

function headlineNames(outcomes: readonly Outcome[]): string[] {
  const all = metricNames(outcomes);
  return all.filter((name) => all.includes(`${name}/low`));
}

/** For people: a row a combination, `mean ± std` of each task's metric; `ablation.csv` has all. */
export function summaryTable(axes: readonly string[], outcomes: readonly Outcome[]): string {
  const names = shownNames(outcomes);
  const rows = summarize(outcomes);
  const hasIqm = rows.some(({ iqm }) => iqm !== undefined);
  const columns = [
    ...axes.map((title) => ({ title })),
    { title: 'seeds', align: 'right' as const },
    ...names.map((title) => ({ title, align: 'right' as const })),
    ...(hasIqm ? [{ title: 'IQM', align: 'right' as const }] : []),
  ];
  const cells = rows.map(({ labels, done, planned, metrics, iqm }) => [
    ...labels,
    done === planned ? String(done) : `${done}/${planned}`,
    ...names.map((name) => formatSpread(metrics[name])),
    iqm?.toFixed(3) ?? '',
  ]);
  return table({ columns, rows: [...cells, ...blindRow({ axes, outcomes, names })] });
}

/** What the best guesser has, who never sees a video, on the samples that the runs answered. */
function blindRow(args: { axes: readonly string[]; outcomes: readonly Outcome[]; names: string[] }): string[][] {
  const { axes, outcomes, names } = args;
  const cells = names.map((name) => {
    const values = outcomes.flatMap(({ finished }) => finished?.evaluation[`${name}/blind`] ?? []);
    return values.length === 0 ? '–' : spread(values).mean.toFixed(3);
  });
  if (cells.every((cell) => cell === '–')) return [];
  return [['video-blind', ...axes.slice(1).map(() => ''), '', ...cells]];
}

function formatSpread(value: Spread | undefined): string {
  if (value === undefined || value.seeds === 0) return '–';
  return value.std === undefined ? value.mean.toFixed(3) : `${value.mean.toFixed(3)} ± ${value.std.toFixed(3)}`;
}

/** All that is known of an ablation. */
export interface AblationRecord {
  axes: string[];
  primary?: string;
  runs: {
    name: string;
    labels: string[];
    /** What its arm is called, as in `summary` and `comparisons`. */
    arm: string;
    control?: true;
    seed: number;
    output_dir: string;
    step?: number;
    evaluation?: Record<string, number>;
    /** Why it is not finished. */
    reason?: string;
  }[];
  summary: SummaryRow[];
  comparisons: Comparison[];
  /** How each arm's reward terms grew. */
  curves: TermCurve[];
}

/** For programs: `ablation.json` (all) and `ablation.csv` (a line a finished run). */
export async function writeSummary(args: {
  folder: string;
  axes: readonly Axis[];
  primary?: string;
  outcomes: readonly Outcome[];
  comparisons: Comparison[];
  curves: TermCurve[];
}): Promise<void> {
  const { folder, primary, outcomes, comparisons, curves } = args;
  const axes = args.axes.map(({ name }) => name);
  const runs = armsOf(outcomes).flatMap(({ labels: called, outcomes: own }) =>
    own.map(({ run: { name, labels, isControl, seed, config }, finished, reason }) => ({
      name,
      labels,
      arm: called.join(', '),
      ...(isControl && { control: true as const }),
      seed,
      output_dir: config.output_dir,
      ...finished,
      ...(reason !== undefined && { reason }),
    })),
  );
  const record: AblationRecord = { axes, primary, runs, summary: summarize(outcomes), comparisons, curves };
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeAtomically({ file: join(folder, 'ablation.json'), text });
  await writeAtomically({ file: join(folder, 'ablation.csv'), text: toCsv(axes, outcomes) });
}

function toCsv(axes: readonly string[], outcomes: readonly Outcome[]): string {
  const names = metricNames(outcomes);
  const lines = armsOf(outcomes).flatMap(({ labels, outcomes: own }) =>
    own
      .filter(({ finished }) => finished)
      .map(({ run, finished }) => [
        ...labels,
        run.seed,
        finished!.step,
        ...names.map((name) => finished!.evaluation[name]),
      ]),
  );
  return stringify([[...axes, 'seed', 'step', ...names], ...lines]);
}
