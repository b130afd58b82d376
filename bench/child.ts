import { spawn } from 'node:child_process';
import type { Command } from './contenders.js';
import { type Isa, isaVariables } from './isa.js';

/** What all contenders are held to. */
export interface Limits {
  threads: number;
  /** Left out: whatever the processor has. */
  isa?: Isa;
}

/**
 * Runs a program and returns its standard output. Each contender has a process of its own, so that peak memory is its
 * own too.
 *
 * @throws Error with the end of what it said, if it fails
 */
export async function runChild({ command, args, threads, isa }: Command & Limits): Promise<string> {
  const count = String(threads);
  const env = {
    ...process.env,
    ...isaVariables(isa),
    TF_NUM_INTRAOP_THREADS: count,
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
  };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const status = await new Promise<string | number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  if (status === 0) return stdout;
  throw new Error(`${args[0]} ended with ${status}:\n${stderr.trimEnd().split('\n').slice(-8).join('\n')}`);
}

/** As `runChild`, for a program whose last line is JSON. */
export async function runJson(child: Command & Limits): Promise<unknown> {
  const stdout = await runChild(child);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as unknown;
}
