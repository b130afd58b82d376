import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';

/** Names the supervisor's process id to the process that it supervises. */
const SUPERVISOR = 'VAU_RFT_SUPERVISOR';

/** A supervised process ends with this to be started anew; 75 is `EX_TEMPFAIL`. */
export const RESTART_CODE = 75;

export const isSupervised = (): boolean => process.env[SUPERVISOR] !== undefined;

/**
 * Runs this program again as a child with `args`, and again with `restartArgs` each time it ends with `RESTART_CODE`:
 * what wears out in a process (TensorFlow's handles) starts fresh. Signals go through to the child once, whoever sent
 * them.
 *
 * @returns the child's exit code
 */
export async function supervise({ args, restartArgs }: { args: string[]; restartArgs: string[] }): Promise<number> {
  let code = await runChild(args);
  while (code === RESTART_CODE) code = await runChild(restartArgs);
  return code;
}

async function runChild(args: string[]): Promise<number> {
  // In a group of its own: Ctrl-C reaches it by way of this process alone, and so counts once.
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, [SUPERVISOR]: String(process.pid) },
  });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (status, signal) => resolve(status ?? (signal === null ? 1 : 128 + signalNumber(signal))));
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, forward);
  }
}

const signalNumber = (signal: NodeJS.Signals): number =>
  ({ SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 })[signal as 'SIGINT'] ?? 0;

/**
 * Ends this process as soon as its supervisor has died, even while the main thread computes: nobody would stop it, and
 * it would go on writing the run that somebody may want to resume.
 */
export function dieWithSupervisor(): void {
  const watch = `
    const { workerData } = require('node:worker_threads');
    setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, 100);
  `;
  new Worker(watch, { eval: true, workerData: Number(process.env[SUPERVISOR]) }).unref();
}
