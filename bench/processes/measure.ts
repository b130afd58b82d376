import { spawn } from 'node:child_process';
import { z } from 'zod';
import { freePorts } from '../../src/system/free-ports.js';
import { ownFile, peerFile, type Setting } from '../contenders.js';

/** A step, made by some processes of one core each. */
export interface Case extends Setting {
  /** Of a process. */
  prompts: number;
  /** Rank of adapters; 0: the whole model is trained. */
  lora: number;
  processes: number;
}

const measuredSchema = z.object({ seconds: z.number(), phases: z.record(z.string(), z.number()) });
/** Medians, in seconds. */
export type Measured = z.infer<typeof measuredSchema>;

interface MeasureOptions {
  model: string;
  steps: number;
  python: string;
}

/** Our step. */
export async function measureOurs(one: Case, { model, steps }: MeasureOptions): Promise<Measured> {
  const hosts = (await freePorts(one.processes)).map((port) => `127.0.0.1:${port}`).join(',');
  const all = Array.from({ length: one.processes }, (_, rank) => {
    const where = one.processes === 1 ? [] : ['--hosts', hosts, '--rank', String(rank)];
    return runOnCore(rank, [process.execPath, ownFile('vau-rft-step.js'), ...flags(one, model, steps), ...where]);
  });
  return measuredSchema.parse(JSON.parse(lastLine((await Promise.all(all))[0]!)));
}

/** TRL's, its processes joined by accelerate and gloo. */
export async function measureTrl(one: Case, { model, steps, python }: MeasureOptions): Promise<Measured> {
  const script = [peerFile('trl_step.py'), ...flags(one, model, steps)];
  const several = ['-m', 'accelerate.commands.launch', '--cpu', '--num_machines', '1', '--mixed_precision', 'no'];
  const counts = ['--num_processes', String(one.processes), '--num_cpu_threads_per_process', '1'];
  const command = one.processes === 1 ? [python, ...script] : [python, ...several, ...counts, ...script];
  const stdout = await runOnCore(null, command);
  // Each process prints its own.
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return measuredSchema.parse(JSON.parse(lines[0]!));
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;

function flags(one: Case, model: string, steps: number): string[] {
  const { prompt, generations, completion, prompts, lora } = one;
  const options = { model, tokens: prompt, generations, completion, prompts, lora, steps, threads: 1 };
  return [...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]), '--dtype', 'float32'];
}

/** @param core null: wherever there is room */
async function runOnCore(core: number | null, [command, ...args]: string[]): Promise<string> {
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const pinned = core === null ? [command!, ...args] : ['taskset', '-c', String(core), command!, ...args];
  const child = spawn(pinned[0]!, pinned.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (data: Buffer) => (said[name] += String(data)));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code === 0) return said.stdout;
  throw new Error(`${args[0]} ended with ${code}:\n${said.stderr.trimEnd().split('\n').slice(-8).join('\n')}`);
}
