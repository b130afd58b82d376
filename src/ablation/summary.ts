import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { mean, standardDeviation } from '../statistics/moments.js';
import { writeAtomically } from '../system/atomic-write.js';
import { table } from '../system/table.js';
import type { Ablation } from './file.js';
import type { PlannedRun } from './plan.js';
import type { Finished } from './state.js';

/** A planned run and, if it got there, what it has reached. */
export interface Outcome {
  run: PlannedRun;
  finished?: Finished;
}

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
}

/** Runs that differ only in their seed, put together. */
export function summarize(outcomes: Outcome[]): SummaryRow[] {
  const points = [...new Set(outcomes.map(pointOf))];
  return points.map((point) => {
    const group = outcomes.filter((outcome) => pointOf(outcome) === point);
    const done = group.flatMap(({ finished }) => (finished ? [finished.evaluation] : []));
    const metrics = metricNames(group).map((name) => {
      const values = done.map((evaluation) => evaluation[name]).filter((value) => Number.isFinite(value)) as number[];
      return [name, spread(values)] as const;
    });
    return {
      labels: group[0]!.run.labels,
      done: done.length,
      planned: group.length,
      metrics: Object.fromEntries(metrics),
    };
  });
}

/** What runs of one combination have in common. */
function pointOf({ run }: Outcome): string {
  return JSON.stringify(run.labels);
}

function spread(values: number[]): Spread {
  const std = values.length > 1 ? standardDeviation(values) : undefined;
  return { mean: mean(values), seeds: values.length, ...(std !== undefined && { std }) };
}

function metricNames(outcomes: Outcome[]): string[] {
  return [...new Set(outcomes.flatMap(({ finished }) => Object.keys(finished?.evaluation ?? {})))];
}

/**
 * The metrics that stand for their tasks: those with a confidence interval. (Not the mean reward: its terms may be
 * weighted differently in each row.) All of them, where none has one.
 */
function headlineNames(outcomes: Outcome[]): string[] {
  const all = metricNames(outcomes);
  const headlines = all.filter((name) => all.includes(`${name}/low`));
  return headlines.length > 0 ? headlines : all;
}

/** For people: a row a combination, `mean ± std` of each task's metric; `ablation.csv` has all. */
export function summaryTable(ablation: Ablation, outcomes: Outcome[]): string {
  const names = headlineNames(outcomes);
  const columns = [
    ...ablation.axes.map(({ name }) => ({ title: name })),
    { title: 'seeds', align: 'right' as const },
    ...names.map((title) => ({ title, align: 'right' as const })),
  ];
  const rows = summarize(outcomes).map(({ labels, done, planned, metrics }) => [
    ...labels,
    done === planned ? String(done) : `${done}/${planned}`,
    ...names.map((name) => formatSpread(metrics[name])),
  ]);
  return table({ columns, rows: [...rows, ...blindRow({ ablation, outcomes, names })] });
}

/** What the best guesser has, who never sees a video, on the samples that the runs answered. */
function blindRow(args: { ablation: Ablation; outcomes: Outcome[]; names: string[] }): string[][] {
  const { ablation, outcomes, names } = args;
  const cells = names.map((name) => {
    const values = outcomes.flatMap(({ finished }) => finished?.evaluation[`${name}/blind`] ?? []);
    return values.length === 0 ? '–' : spread(values).mean.toFixed(3);
  });
  if (cells.every((cell) => cell === '–')) return [];
  return [['video-blind', ...ablation.axes.slice(1).map(() => ''), '', ...cells]];
}

function formatSpread(value: Spread | undefined): string {
  if (value === undefined || value.seeds === 0) return '–';
  return value.std === undefined ? value.mean.toFixed(3) : `${value.mean.toFixed(3)} ± ${value.std.toFixed(3)}`;
}

/** For programs: `ablation.json` (runs and their summary) and `ablation.csv` (a line a finished run). */
export async function writeSummary(ablation: Ablation, outcomes: Outcome[]): Promise<void> {
  const axes = ablation.axes.map(({ name }) => name);
  const runs = outcomes.map(({ run: { name, labels, seed, config }, finished }) => ({
    name,
    labels,
    seed,
    output_dir: config.output_dir,
    ...finished,
  }));
  const json = { axes, runs, summary: summarize(outcomes) };
  await writeAtomically({
    file: join(ablation.outputDir, 'ablation.json'),
    text: `${JSON.stringify(json, null, 2)}\n`,
  });
  await writeAtomically({ file: join(ablation.outputDir, 'ablation.csv'), text: toCsv(axes, outcomes) });
}

function toCsv(axes: string[], outcomes: Outcome[]): string {
  const names = metricNames(outcomes);
  const lines = outcomes
    .filter(({ finished }) => finished)
    .map(({ run, finished }) => [
      ...run.labels,
      run.seed,
      finished!.step,
      ...names.map((name) => finished!.evaluation[name]),
    ]);
  return stringify([[...axes, 'seed', 'step', ...names], ...lines]);
}
