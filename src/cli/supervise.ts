import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { RunError } from '../errors.js';
import { dependentEnvironment } from '../parent-process.js';

/** Names the supervisor's process id to the process that it supervises. */
const SUPERVISOR = 'VAU_RFT_SUPERVISOR';

/** A supervised process ends with this to be started anew; 75 is `EX_TEMPFAIL`. */
export const RESTART_CODE = 75;

const INTERRUPTED_CODE = 130;

/** Not so in a program that a supervised process starts, though it inherits the environment. */
export const isSupervised = (): boolean => process.env[SUPERVISOR] === String(process.ppid);

/**
 * Runs this program again as a child with `args`, and again with `restartArgs` each time it ends with `RESTART_CODE`:
 * what wears out in a process (TensorFlow's handles) starts fresh. The first SIGINT or SIGTERM is passed on to the
 * child, which stops in its own time; the second kills it, since a child that computes hears nothing until it is done.
 *
 * @param onStop tells people at once that the first signal has come
 * @returns the child's exit code; 130 where a second signal has killed it
 * @throws RunError `RUN_KILLED` when a signal of somebody else's has
 */
export async function supervise(options: {
  args: string[];
  restartArgs: string[];
  onStop: () => void;
}): Promise<number> {
  const { args, restartArgs, onStop } = options;
  let child: ChildProcess | undefined;
  let signals = 0;
  const stop = (signal: NodeJS.Signals) => {
    signals += 1;
    if (signals === 1) onStop();
    child?.kill(signals === 1 ? signal : 'SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  try {
    for (let next = args; ; next = restartArgs) {
      child = startChild(next);
      const end = await endOf(child);
      if (signals > 1) return INTERRUPTED_CODE;
      if (end.signal !== null) throw killed(end.signal);
      if (end.code !== RESTART_CODE) return end.code;
      // It has saved for the restart, and was asked to stop meanwhile.
      if (signals > 0) return INTERRUPTED_CODE;
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}

function startChild(args: string[]): ChildProcess {
  // In a group of its own: Ctrl-C reaches it by way of this process alone, and so counts once.
  return spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    stdio: 'inherit',
    detached: true,
    env: { ...dependentEnvironment(), [SUPERVISOR]: String(process.pid) },
  });
}

type End = { code: number; signal: null } | { signal: NodeJS.Signals };

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      // A progress bar that was not stopped has hidden the cursor.
      if (signal !== null && process.stderr.isTTY) process.stderr.write('\x1b[?25h\n');
      resolve(signal === null ? { code: code!, signal } : { signal });
    });
  });
}

function killed(signal: NodeJS.Signals): RunError {
  const why = signal === 'SIGKILL' ? ', by somebody or for want of memory' : '';
  const message = `the training process was killed (${signal}${why}); go on from its last checkpoint with --resume`;
  return new RunError({ code: 'RUN_KILLED', message, exitCode: 128 + constants.signals[signal] });
}
