import { Worker } from 'node:worker_threads';

/** Names a parent's process id to the children that are to die with it. */
const PARENT = 'VAU_RFT_PARENT';

/** The environment for a child that is to end when this process does, however it ends. */
export const dependentEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, [PARENT]: String(process.pid) });

/**
 * Ends this process as soon as a parent that gave it `dependentEnvironment` has died, even while the main thread
 * computes: nobody would stop it, and it would go on writing the run that somebody may want to resume.
 */
export function dieWithParent(): void {
  // Not so in a program that a dependent process starts, though it inherits the environment.
  if (process.env[PARENT] !== String(process.ppid)) return;
  const watch = `
    const { workerData } = require('node:worker_threads');
    setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, 100);
  `;
  new Worker(watch, { eval: true, execArgv: [], workerData: process.ppid }).unref();
}
