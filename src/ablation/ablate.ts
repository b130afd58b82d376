import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
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
}: {
  ablation: Ablation;
  runs: readonly PlannedRun[];
  /** Program and arguments that train a config. */
  train: readonly string[];
}): Promise<Work[]> {
  const states = await Promise.all(runs.map(runState));
  return runs.map((run, i) => {
    const state = states[i]!;
    if (state.kind === 'finished') return { run, state };
    const sets = run.set.flatMap((text) => ['--set', text]);
    const resume = state.kind === 'begun' ? ['--resume', 'latest'] : [];
    const command = [...train, relative('', ablation.base), ...sets, ...resume];
    return { run, state, job: { name: run.name, command, log: join(ablation.outputDir, 'logs', `${run.name}.log`) } };
  });
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
