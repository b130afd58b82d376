import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { usableCpus } from '../../system/cpus.js';
import { type End, runDependent } from '../../system/dependent.js';
import { freePorts } from '../../system/free-ports.js';
import { type StopSignals, stopSignals } from '../../system/stop-signals.js';
import { INTERRUPTED_CODE } from './supervise.js';

/** Milliseconds that the others have to find out by themselves that one is gone, and to say so. */
const GRACE = 30_000;

/**
 * Runs a command as several processes of this machine that make one run; what each says has its number before it. When
 * one ends badly, all do; and all begin again from the last checkpoint, so many times.
 *
 * @returns the exit code: that of the first process that ended badly
 */
export async function launch(args: { workers: number; restarts: number; command: readonly string[] }): Promise<number> {
  const { workers, restarts, command } = args;
  const stop = stopSignals({ onFinish: () => process.stderr.write('\nfinishing the step and saving\n') });
  const threads = String(Math.max(1, Math.floor(usableCpus() / workers)));
  let words = command;
  for (let left = restarts; ; left--) {
    const end = await launchOnce({ workers, command: words, threads, stop });
    if (end === undefined) return 0;
    if (stop.finish.aborted || end.code === INTERRUPTED_CODE) return INTERRUPTED_CODE;
    // What is wrong with the call or the config is wrong the next time too.
    if (left === 0 || end.code === USAGE_CODE) return end.code ?? 1;
    process.stderr.write(`all processes start again from the last checkpoint (${left - 1} times more)\n`);
    if (command[0] === 'train') words = [...withoutResume(command), '--resume', 'latest'];
  }
}

const USAGE_CODE = 2;

/** @returns the end of the first process that ended badly */
async function launchOnce(args: {
  workers: number;
  command: readonly string[];
  threads: string;
  stop: StopSignals;
}): Promise<End | undefined> {
  const { workers, command, threads, stop } = args;
  const hosts = (await freePorts(workers)).map((port) => `127.0.0.1:${port}`);
  const program = [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url)), ...command];
  const gpus = process.env.CUDA_VISIBLE_DEVICES?.split(',') ?? [];
  const others = new AbortController();
  const leave = AbortSignal.any([stop.leave, others.signal]);
  const print = (rank: number, line: string) => void process.stderr.write(`[${rank}] ${line}\n`);
  let first: End | undefined;
  const ends = hosts.map(async (_, rank) => {
    const end = await runDependent({
      command: program,
      stop: { finish: stop.finish, leave },
      env: {
        TF_CONFIG: JSON.stringify({ cluster: { worker: hosts }, task: { type: 'worker', index: rank } }),
        TF_NUM_INTRAOP_THREADS: threads,
        ...(gpus.length >= workers && { CUDA_VISIBLE_DEVICES: gpus[rank] }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      onStart: ({ stdout, stderr }) => {
        for (const stream of [stdout, stderr])
          createInterface({ input: stream! }).on('line', (line) => print(rank, line));
      },
    });
    if (end.code === 0 || first !== undefined) return;
    first = end;
    print(rank, `ended: ${end.signal ?? `exit code ${end.code}`}`);
    setTimeout(() => others.abort(), GRACE).unref();
  });
  await Promise.all(ends);
  return first;
}

/** `--resume` and the folder that may stand behind it. */
function withoutResume(command: readonly string[]): string[] {
  const at = command.findIndex((word) => word === '--resume' || word.startsWith('--resume='));
  if (at === -1) return [...command];
  const next = command[at + 1];
  const hasFolder = command[at] === '--resume' && next !== undefined && !next.startsWith('-');
  return [...command.slice(0, at), ...command.slice(at + (hasFolder ? 2 : 1))];
}
