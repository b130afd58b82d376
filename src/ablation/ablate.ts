import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Ablation } from './file.js';
import type { PlannedRun } from './plan.js';
import type { Job, Runner } from './runner.js';
import { type RunState, runState } from './state.js';
import { type Outcome, writeSummary } from './summary.js';

/** A planned run, how far it is, and the process that would take it to its end (none if it is there). */
export interface Work {
  run: PlannedRun;
  state: RunState;
  job?: Job;
}

/**
 * What is left to do: runs that are finished are skipped, runs that were begun are resumed.
 *
 * @param train program and arguments that train a config: `[node, main.js, train]`
 */
export async function openWork({
  ablation,
  runs,
  train,
}: {
  ablation: Ablation;
  runs: PlannedRun[];
  train: string[];
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
 * Runs the open work and writes `ablation.json` and `ablation.csv` over all that is finished by then.
 *
 * @returns what each run has reached, and the jobs that failed
 */
export async function ablate({
  ablation,
  work,
  runner,
}: {
  ablation: Ablation;
  work: Work[];
  runner: Runner;
}): Promise<{ outcomes: Outcome[]; failed: Job[] }> {
  await mkdir(ablation.outputDir, { recursive: true });
  const jobs = work.flatMap(({ job }) => job ?? []);
  await runner.run(jobs);
  const outcomes = await Promise.all(
    work.map(async ({ run }): Promise<Outcome> => {
      const state = await runState(run);
      return { run, finished: state.kind === 'finished' ? state.finished : undefined };
    }),
  );
  await writeSummary(ablation, outcomes);
  const unfinished = new Set(outcomes.filter(({ finished }) => !finished).map(({ run }) => run.name));
  return { outcomes, failed: jobs.filter(({ name }) => unfinished.has(name)) };
}
