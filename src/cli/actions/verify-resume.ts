import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config/load.js';
import { outcomeDifferences, readOutcome } from '../../run/outcome.js';
import { runFiles } from '../../run/run-folder.js';
import { runDependent } from '../../system/dependent.js';
import { RunError, UsageError } from '../../system/errors.js';
import { uniform } from '../../system/random.js';
import { type StopSignals, stopSignals } from '../../system/stop-signals.js';
import { INTERRUPTED_CODE } from './supervise.js';

/** Samples of the evaluations: the promise is theirs too, and they need not take long. */
const EVALUATED = 8;
/** Milliseconds between two looks at how far a run is. */
const LOOK = 20;

export interface VerifyResumeOptions {
  config: string;
  set: string[];
  steps: number;
  kills: number;
  /** Of the moments. */
  seed: number;
  output?: string;
  keep: boolean;
}

/**
 * Runs a config twice for a few steps, once killed at random moments and resumed, and compares all that the two leave.
 *
 * @returns the exit code: 0 where they are the same
 */
export async function verifyResume(args: VerifyResumeOptions): Promise<number> {
  const { config: file, steps, kills, seed, keep } = args;
  const { output_dir, data } = await loadConfig({ file, set: args.set });
  if (kills >= steps)
    throw new UsageError({ code: 'USAGE', message: `--kills ${kills} takes more steps than --steps ${steps}` });
  const folder = path.resolve(args.output ?? `${output_dir}-verify-resume`);
  await rm(folder, { recursive: true, force: true });
  const stop = stopSignals();
  const shorter = [
    `training.max_steps=${steps}`,
    'training.save_steps=2',
    'training.warmup_steps=0',
    ...(data.eval.length === 0
      ? []
      : [`training.eval_steps=${Math.ceil(steps / 2)}`, `evaluation.max_samples=${EVALUATED}`]),
  ];
  const trial = (name: string): Trial => ({
    folder: path.join(folder, name),
    command: [
      ...[process.execPath, fileURLToPath(new URL('../main.js', import.meta.url)), 'train', file],
      ...[...args.set, ...shorter, `output_dir=${JSON.stringify(path.join(folder, name))}`].flatMap((option) => [
        '--set',
        option,
      ]),
    ],
    stop,
  });
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const [whole, killed] = [trial('whole'), trial('killed')];
  say(`1. ${steps} steps, left alone`);
  await finish(whole, false);
  if (stop.finish.aborted) return INTERRUPTED_CODE;
  say(`2. the same, killed ${kills} times`);
  for (let kill = 0; kill < kills && !stop.finish.aborted; kill++) {
    // Somewhere in its part of the run, and of a step.
    const after = Math.floor((steps * kill) / kills);
    const step = await killAfter({ ...killed, resume: kill > 0, after, part: uniform(seed, kill) });
    say(step === null ? '   it was done before it could be killed' : `   killed in step ${step}`);
  }
  await finish(killed, kills > 0);
  if (stop.finish.aborted) return INTERRUPTED_CODE;
  const [one, other] = [await readOutcome(whole.folder), await readOutcome(killed.folder)];
  const differences = outcomeDifferences(one, other);
  if (differences.length > 0) {
    const message = `the killed run is not the one that was left alone:\n  ${differences.join('\n  ')}\nBoth are in ${folder}`;
    throw new RunError({ code: 'RESUME_DIFFERS', message });
  }
  process.stdout.write(`the same, byte for byte: ${[...one.keys()].join(', ')}\n`);
  if (!keep) await rm(folder, { recursive: true, force: true });
  return 0;
}

interface Trial {
  folder: string;
  command: readonly string[];
  stop: StopSignals;
}

const begin = ({ command, stop }: Trial, resume: boolean) => {
  const said: string[] = [];
  const ended = runDependent({
    command: [...command, ...(resume ? ['--resume', 'latest'] : [])],
    stop,
    stdio: ['ignore', 'pipe', 'pipe'],
    onStart: ({ stdout, stderr }) => {
      for (const stream of [stdout, stderr]) stream!.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    },
  });
  return { ended, said };
};

/** @throws RunError `RESUME_RUN_FAILED` with what the run has said */
async function finish(trial: Trial, resume: boolean): Promise<void> {
  const { ended, said } = begin(trial, resume);
  const { code } = await ended;
  if (code === 0 || trial.stop.finish.aborted) return;
  const last = said.join('').trimEnd().split('\n').slice(-5).join('\n  ');
  throw new RunError({ code: 'RESUME_RUN_FAILED', message: `the run in ${trial.folder} failed:\n  ${last}` });
}

/**
 * Kills the process that trains once it has done so many steps, after a part of the next one.
 *
 * @returns the step in which it was, or null where it had ended
 */
async function killAfter(args: Trial & { resume: boolean; after: number; part: number }): Promise<number | null> {
  const { folder, resume, after, part } = args;
  const { ended } = begin(args, resume);
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  const files = runFiles(folder);
  const lines = async () => (await readFile(files.metrics, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  for (;;) {
    const known = await lines();
    if (isOver) return null;
    const last = known.at(-1);
    if (known.length > after && last !== undefined) {
      const { 'time/step_s': seconds = 1 } = JSON.parse(last) as Record<string, number>;
      await setTimeout(1000 * seconds * part);
      const done = (await lines()).length;
      const pid = await trainerOf(folder);
      if (pid === undefined || isOver || !wasKilled(pid)) continue;
      await ended;
      return done + 1;
    }
    await setTimeout(LOOK);
  }
}

function wasKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself just now.
    return false;
  }
}

/** The process that trains, below the one that watches over it. */
async function trainerOf(folder: string): Promise<number | undefined> {
  try {
    return (JSON.parse(await readFile(path.join(folder, 'run.lock'), 'utf8')) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}
