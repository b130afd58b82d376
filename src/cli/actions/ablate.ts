import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ablate, openWork, takePart, type Work } from '../../ablation/ablate.js';
import { armsOf } from '../../ablation/arms.js';
import { comparisonTable } from '../../ablation/compare-text.js';
import { type Ablation, readAblation } from '../../ablation/file.js';
import { type Plan, planRuns } from '../../ablation/plan.js';
import { Runner } from '../../ablation/runner.js';
import { summaryTable } from '../../ablation/summary.js';
import type { Config } from '../../config/schema.js';
import { videosOf } from '../../evaluation/by-video.js';
import { heldOutSamples } from '../../evaluation/held-out.js';
import { recordsByStep } from '../../run/jsonl.js';
import { runFiles } from '../../run/run-folder.js';
import { EXPECTED, expectedDetectable } from '../../statistics/paired-arms.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { usableCpus } from '../../system/cpus.js';
import { formatSeconds } from '../../system/duration.js';
import { RunError, VauError } from '../../system/errors.js';
import { groupBy } from '../../system/group-by.js';
import { stopSignals } from '../../system/stop-signals.js';
import { startRuntime } from '../../tensor/runtime.js';
import { resolveType } from '../../trainer/models.js';
import { planRun } from '../../trainer/plan.js';

const PROGRAM = [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))];
const TRAIN = [...PROGRAM, 'train'];

export interface AblateOptions {
  file: string;
  set: string[];
  parallel: number;
  'machine-share': boolean;
  /** Machines that take runs, as ssh knows them. */
  hosts?: string;
  /** Other machines take runs too. */
  shared: boolean;
}

/** Trains what is left of an ablation, and prints what came of it. @param seeds more of them, from now on */
export async function runAblation(options: AblateOptions & { seeds?: number }): Promise<void> {
  const { parallel, seeds = 0 } = options;
  const ablation = await readAblation(options.file);
  const plan = await planWithAdded({ ablation, set: options.set, seeds });
  const print = (line: string) => void process.stderr.write(`${line}\n`);
  // Two at a time would fight for all cores; each gets its part.
  const share = String(Math.max(1, Math.floor(usableCpus() / parallel)));
  const env = options['machine-share'] ? { TF_NUM_INTRAOP_THREADS: share } : {};
  const runner = new Runner({ parallel, env, print, stop: stopSignals() });
  if (options.shared) {
    const left = await takePart({ ablation, plan, train: TRAIN, runner });
    if (runner.stopped && left.length > 0) throw interrupted(left.length, plan.runs.length);
    return;
  }
  if (options.hosts !== undefined)
    await shareOut({ options, hosts: options.hosts, folder: ablation.outputDir, runner });
  const { outcomes, comparisons, failed } = await ablate({ ablation, plan, train: TRAIN, runner });
  const axes = plan.axes.map(({ name }) => name);
  const base = armsOf(outcomes)[0]!.labels;
  const tables = [
    summaryTable(axes, outcomes),
    comparisonTable({ axes, comparisons, base, primary: ablation.primary }),
    ...outcomes.flatMap(({ run, reason }) => (reason === undefined ? [] : `not finished: ${run.name}: ${reason}\n`)),
  ];
  process.stdout.write(tables.filter((text) => text !== '').join('\n'));
  if (failed.length === 0) return;
  if (runner.stopped) throw interrupted(failed.length, plan.runs.length);
  throw incomplete(
    failed.map(({ log }) => log),
    plan.runs.length,
  );
}

/** Has each of the machines take runs until none is left. They see the same folders, under the same names. */
async function shareOut(args: {
  options: AblateOptions;
  hosts: string;
  folder: string;
  runner: Runner;
}): Promise<void> {
  const { options, hosts, folder, runner } = args;
  const sets = options.set.flatMap((item) => ['--set', item]);
  const words = [...PROGRAM, 'ablate', options.file, '--shared', '--parallel', String(options.parallel), ...sets];
  const jobs = hosts.split(',').map((host, i) => ({
    name: host,
    command: isHere(host) ? words : ['ssh', '-o', 'BatchMode=yes', host, inShell(words)],
    log: join(folder, 'logs', `host-${i}.log`),
  }));
  await runner.beside(jobs);
}

const isHere = (host: string): boolean => ['localhost', '127.0.0.1', hostname()].includes(host);

/** The words as one line for a shell, in this folder. */
function inShell(words: readonly string[]): string {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  return `cd ${quoted(process.cwd())} && exec ${words.map(quoted).join(' ')}`;
}

/** Prints what would run, how long it would take, and what it could tell. */
export async function printAblationPlan({ file, set, parallel }: AblateOptions): Promise<void> {
  const ablation = await readAblation(file);
  const plan = await planWithAdded({ ablation, set, seeds: 0 });
  const work = await openWork({ ablation, runs: plan.runs, train: TRAIN });
  const base = plan.runs[0]!.config;
  const warn = (message: string) => void process.stderr.write(`warning: ${message}\n`);
  const open = work.filter(({ job }) => job !== undefined);
  const steps = open.reduce((sum, { run }) => sum + run.config.training.max_steps, 0);
  const time = await stepTime(work, base, warn);
  const seeds = plan.runs.filter(({ isControl, labels }) => !isControl && isFirst(plan, labels)).length;
  const lines = [
    ...work.map(describe),
    `${open.length} of ${work.length} runs to train, ${steps} steps in all`,
    typeof time === 'string'
      ? `time: not known (${time})`
      : `time: about ${formatSeconds((steps * time.seconds) / parallel)} (${formatSeconds(time.seconds)} a step, ${time.how})`,
    ...(await detectableLines({ config: base, seeds, warn })),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Seeds that were added are remembered beside the runs, so that the ablation stays what it is. */
async function planWithAdded(args: { ablation: Ablation; set: string[]; seeds: number }): Promise<Plan> {
  const { ablation, set, seeds } = args;
  const file = join(ablation.outputDir, 'added-seeds.json');
  const before = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as { seeds: number },
    () => ({ seeds: 0 }),
  );
  const more = before.seeds + seeds;
  const plan = await planRuns({ ablation, set, more });
  if (seeds > 0) await writeAtomically({ file, text: `${JSON.stringify({ seeds: more })}\n` });
  return plan;
}

const isFirst = ({ runs }: Plan, labels: readonly string[]): boolean =>
  JSON.stringify(labels) === JSON.stringify(runs[0]!.labels);

/** Seconds: of steps that were made already, else by what the device can do. The reason, where neither is known. */
async function stepTime(
  work: readonly Work[],
  base: Config,
  warn: (message: string) => void,
): Promise<{ seconds: number; how: string } | string> {
  for (const { run, state } of work) {
    if (state.kind === 'new') continue;
    const records = [...(await recordsByStep(runFiles(run.config.output_dir).metrics)).values()];
    const times = records.flatMap((record) => {
      const seconds = record['time/step_s'];
      return typeof seconds === 'number' ? [seconds] : [];
    });
    // The middle one: the first steps compile.
    const middle = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    if (middle !== undefined) return { seconds: middle, how: `measured: ${run.name}` };
  }
  try {
    await startRuntime({ report: (line) => void process.stderr.write(`${line}\n`) });
    const type = await resolveType(base.model.dtype);
    const { stepTime: seconds } = await planRun({ config: base, type, warn });
    return seconds === null ? 'no video could be read' : { seconds, how: 'by measured matrix products' };
  } catch (error) {
    return (error as Error).message;
  }
}

/** What so many seeds and held-out videos can tell. */
async function detectableLines(args: {
  config: Config;
  seeds: number;
  warn: (message: string) => void;
}): Promise<string[]> {
  const { config, seeds, warn } = args;
  const samples = await heldOutSamples({ config, warn }).catch(() => []);
  if (samples.length === 0) return ['nothing is held out (data.eval): arms cannot be compared'];
  if (seeds < 2) return ['one seed: arms cannot be compared'];
  const tasks = [...groupBy(samples, ({ task }) => task)].map(([task, own]) => {
    const videos = new Set(own.map(videosOf)).size;
    if (videos < 2) return `${task}: one video`;
    return `${task} ± ${expectedDetectable({ seeds, videos }).toFixed(3)} (${own.length} samples of ${videos} videos)`;
  });
  const { disagreement, seedSpread } = EXPECTED;
  return [
    `smallest difference that ${seeds} seeds find in four of five such ablations: ${tasks.join(', ')}`,
    `  (if two arms differ in one of ${Math.round(1 / disagreement)} answers, and their seeds by ${seedSpread}; the tables tell it by what was measured)`,
  ];
}

/** `all_seed-1  to resume  node main.js train …` */
function describe({ run, state, job }: Work): string {
  const todo = { new: 'to train', begun: 'to resume', finished: 'finished' }[state.kind];
  return `${run.name}  ${todo}${job ? `  ${job.command.join(' ')}` : ''}`;
}

function interrupted(open: number, all: number): VauError {
  const message = `interrupted with ${all - open} of ${all} runs finished; the same command goes on from here`;
  return new VauError({ code: 'INTERRUPTED', message, exitCode: 130 });
}

function incomplete(logs: string[], all: number): RunError {
  const message = `${logs.length} of ${all} runs failed, twice; what they said is in\n  ${logs.join('\n  ')}\nThe same command tries them again`;
  return new RunError({ code: 'ABLATION_INCOMPLETE', message });
}
