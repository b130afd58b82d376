import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { StopSignals } from './stop-signals.js';

/** Tells a child at which descriptor it hears of its parent's end. */
const LIFELINE = 'VAU_RFT_LIFELINE';
const LIFELINE_FD = 3;

/** How a process ended: by itself, or by a signal. */
export type End = { code: number; signal: null } | { code: null; signal: NodeJS.Signals };

/**
 * Runs this program (or a stand-in for it) as a process that ends when this one does, however it ends, with all that it
 * has started itself. It is asked to finish by SIGTERM and killed to leave: a process that computes hears nothing until
 * it is done.
 *
 * @param onStart gets the process, to read from
 * @returns its end @throws the system's error where it cannot be started
 */
export async function runDependent(options: {
  command: readonly string[];
  stop: StopSignals;
  env?: NodeJS.ProcessEnv;
  stdio?: ['inherit' | 'ignore', 'inherit' | 'pipe', 'inherit' | 'pipe'];
  onStart?: (child: ChildProcess) => void;
}): Promise<End> {
  const { command, stop, env, stdio = ['ignore', 'inherit', 'inherit'], onStart } = options;
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    stdio: [...stdio, 'pipe'] as StdioOptions,
    // In a group of its own: Ctrl-C reaches it by way of this process alone, and so counts once.
    detached: true,
    env: { ...process.env, ...env, [LIFELINE]: String(LIFELINE_FD) },
  });
  const lifeline = child.stdio[LIFELINE_FD] as Socket | undefined;
  lifeline?.on('error', () => {}).unref();
  const finish = () => void child.kill('SIGTERM');
  const leave = () => killGroup(child.pid);
  if (stop.finish.aborted) finish();
  stop.finish.addEventListener('abort', finish);
  stop.leave.addEventListener('abort', leave);
  onStart?.(child);
  try {
    return await new Promise<End>((resolve, reject) => {
      child.on('error', reject);
      // With the output read to its end, where it is read here.
      child.on('close', (code, signal) => resolve(signal === null ? { code: code!, signal } : { code: null, signal }));
      // What it has started and left behind would keep its output open.
      child.on('exit', leave);
    });
  } finally {
    stop.finish.removeEventListener('abort', finish);
    stop.leave.removeEventListener('abort', leave);
    lifeline?.destroy();
  }
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/**
 * Ends this process, where it was started by `runDependent`, as soon as its parent has ended, even while the main thread
 * computes: nobody would stop it, and it would go on writing a run that somebody may want to resume. The pipe between
 * them tells it, also of a parent that has ended before this is called.
 */
export function dieWithParent(): void {
  const fd = process.env[LIFELINE];
  // It means nothing to what this process starts.
  delete process.env[LIFELINE];
  if (fd === undefined) return;
  const watch = `
    const { workerData: { fd, pid } } = require('node:worker_threads');
    const die = () => {
      try { process.kill(-pid, 'SIGKILL'); } catch { process.kill(pid, 'SIGKILL'); }
    };
    new (require('node:net').Socket)({ fd, readable: true, writable: false }).on('error', () => {}).on('close', die).resume();
  `;
  const worker = new Worker(watch, { eval: true, execArgv: [], workerData: { fd: Number(fd), pid: process.pid } });
  // The variable was set by somebody else, and there is no such descriptor.
  worker.on('error', () => {});
  worker.unref();
}
