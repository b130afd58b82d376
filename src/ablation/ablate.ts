import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Outcome } from './arms.js';
import { type Comparison, compareArms } from './compare.js';
import { termCurves } from './curves.js';
import type { Ablation } from './file.js';
import type { Plan, PlannedRun } from './plan.js';
import type { Job, JobResult, Runner } from './runner.js';
import { type RunState, runState } from './state.js';
import { writeSummary } from './summary.js';

/** A planned run, how far it is, and the process that would take it to its end (none if it is there). */
export interface Work {
  run: PlannedRun;
  state: RunState;
  job?: Job;
}

/**
 * What is left to do: runs that are finished are skipped, runs that were begun are resumed.
 */
export async function openWork({
  ablation,
  runs,
  train,
  isShared = false,
}: {
  ablation: Ablation;
  runs: readonly PlannedRun[];
  /** Program and arguments that train a config. */
  train: readonly string[];
  /** Other machines take runs of it too. */
  isShared?: boolean;
}): Promise<Work[]> {
  const states = await Promise.all(runs.map(runState));
  return runs.map((run, i) => {
    const state = states[i]!;
    const commandIn = ({ kind }: RunState): string[] | null => {
      if (kind === 'finished') return null;
      const sets = run.set.flatMap((text) => ['--set', text]);
      return [...train, relative('', ablation.base), ...sets, ...(kind === 'begun' ? ['--resume', 'latest'] : [])];
    };
    const command = commandIn(state);
    if (command === null) return { run, state };
    const file = (folder: string, ending: string) => join(ablation.outputDir, folder, `${run.name}.${ending}`);
    const claim = { lock: file('claims', 'lock'), command: async () => commandIn(await runState(run)) };
    const job = { name: run.name, command, log: file('logs', 'log') };
    return { run, state, job: isShared ? { ...job, claim } : job };
  });
}

/** Milliseconds between two looks at what others are at. */
const LOOK = 2000;

/**
 * Runs what is left of an ablation that other machines take runs of too, until nothing is: a run that somebody was at who
 * has died is gone on with by whoever sees it first.
 *
 * @returns the jobs that failed here, twice
 */
export async function takePart(args: {
  ablation: Ablation;
  plan: Plan;
  train: readonly string[];
  runner: Runner;
}): Promise<Job[]> {
  const { ablation, plan, train, runner } = args;
  const failures = new Map<string, number>();
  const isOver = ({ name }: Job) => (failures.get(name) ?? 0) > 1;
  for (;;) {
    const work = await openWork({ ablation, runs: plan.runs, train, isShared: true });
    const left = work.flatMap(({ job }) => job ?? []);
    const jobs = left.filter((job) => !isOver(job));
    if (jobs.length === 0 || runner.stopped) return left;
    const results = await runner.run(jobs);
    for (const [i, { end }] of results.entries())
      if (end === 'failed') failures.set(jobs[i]!.name, (failures.get(jobs[i]!.name) ?? 0) + 1);
    if (results.every(({ end }) => end === 'elsewhere')) await setTimeout(LOOK);
  }
}

/**
 * Runs what is left; what fails is tried once more. Then compares all that is finished, and writes `ablation.json` and
 * `ablation.csv`.
 *
 * @returns what each run has reached, how arms differ, and the jobs that failed
 */
export async function ablate(args: {
  ablation: Ablation;
  plan: Plan;
  train: readonly string[];
  runner: Runner;
}): Promise<{ outcomes: Outcome[]; comparisons: Comparison[]; failed: Job[] }> {
  const { ablation, plan, train, runner } = args;
  const { outputDir: folder, primary } = ablation;
  await mkdir(folder, { recursive: true });
  const results = new Map<string, JobResult>();
  const failed = async (runs: readonly PlannedRun[]): Promise<Job[]> => {
    const work = await openWork({ ablation, runs, train });
    const jobs = work.flatMap(({ job }) => job ?? []);
    for (const [i, result] of (await runner.run(jobs)).entries()) results.set(jobs[i]!.name, result);
    return jobs.filter(({ name }) => results.get(name)!.end !== 'done');
  };
  const names = new Set((await failed(plan.runs)).map(({ name }) => name));
  const left = names.size === 0 ? [] : await failed(plan.runs.filter(({ name }) => names.has(name)));
  const outcomes = await Promise.all(
    plan.runs.map(async (run): Promise<Outcome> => {
      const state = await runState(run);
      return state.kind === 'finished'
        ? { run, finished: state.finished }
        : { run, reason: results.get(run.name)?.said };
    }),
  );
  const comparisons = await compareArms({ outcomes, primary, seed: plan.runs[0]!.seed });
  const curves = await termCurves(outcomes);
  await writeSummary({ folder, axes: plan.axes, primary, outcomes, comparisons, curves });
  return { outcomes, comparisons, failed: left };
}
