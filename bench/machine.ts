import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { type Limits, runJson } from './child.js';
import { ownFile } from './contenders.js';
import { instructionSets } from './isa.js';
import { type Rates, ratesSchema } from './measurement.js';

/** What a run was measured on. */
export interface Machine {
  processor: string;
  instruction_sets: string;
  cores: number;
  threads: number;
  memory_bytes: number;
  system: string;
  node: string;
  /** Processes that wanted to run in the minute before the start: anything much above 0 disturbs. */
  load_before: number;
  rates: Rates;
}

/** Something else is at work, so that figures would say little. */
const isBusy = (): boolean => loadavg()[0]! > 0.25 * cpus().length;

/**
 * Says that the machine is busy, where it is.
 *
 * @param write the figures are for the documentation
 * @throws Error then
 */
export function wantQuiet({ write, say }: { write: boolean; say: (line: string) => void }): void {
  if (!isBusy()) return;
  const busy = `the machine is busy (load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores)`;
  if (write) throw new Error(`${busy}: figures for the documentation need a quiet one`);
  say(`${busy}: take the figures for a trial`);
}

/** Looks at the machine, and measures what it can do under the limits of the contenders. */
export async function thisMachine({ threads, isa }: Limits): Promise<Machine> {
  const load = loadavg()[0]!;
  const rates = await runJson({ command: process.execPath, args: [ownFile('rates.js')], threads, isa });
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    instruction_sets: instructionSets(isa),
    cores: cpus().length,
    threads,
    memory_bytes: totalmem(),
    system: `${platform()} ${release()}`,
    node: process.version,
    load_before: load,
    rates: ratesSchema.parse(rates),
  };
}

/** The machine in the head of a report. */
export function describeMachine({ processor, instruction_sets, threads, memory_bytes, rates }: Machine): string {
  const memory = `${(memory_bytes / 2 ** 30).toFixed(0)} GiB, read at ${rates.read.toFixed(1)} GB/s`;
  const products = `float32 ${rates.float32.toFixed(0)}, bfloat16 ${rates.bfloat16?.toFixed(0) ?? '–'} GFLOP/s`;
  return `${processor} with ${instruction_sets}, ${threads} threads; products ${products}; memory ${memory}`;
}
