import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { Contender, Setting } from './contenders.js';
import type { Measurement, Peak } from './measurement.js';

/** A contender in a setting: what it measured, or why it did not. */
export interface Entry {
  contender: Contender;
  measurement?: Measurement;
  failure?: string;
}

export interface SettingResult {
  setting: Setting;
  /** Of the step's matrix products. */
  flops: number;
  entries: Entry[];
}

/** One run of the benchmark. */
export interface BenchResult {
  date: string;
  machine: Machine;
  model: string;
  threads: number;
  steps: number;
  peak: Peak;
  settings: SettingResult[];
}

export interface Machine {
  processor: string;
  cores: number;
  memory_bytes: number;
  system: string;
  node: string;
  /** Processes that wanted to run in the minute before the start: anything much above 0 disturbs. */
  load_before: number;
}

export const thisMachine = (): Machine => ({
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory_bytes: totalmem(),
  system: `${platform()} ${release()}`,
  node: process.version,
  load_before: loadavg()[0]!,
});

/** Whether something else was at work, so that the figures would say little. */
export const isBusy = ({ load_before, cores }: Machine): boolean => load_before > 0.25 * cores;

/** The quickest of those with a measurement; undefined where there is none. */
export function quickest(entries: readonly Entry[]): Measurement | undefined {
  const measured = entries.flatMap(({ measurement }) => measurement ?? []);
  return measured.sort((a, b) => a.seconds - b.seconds)[0];
}

/** Seconds of a step's four parts, whatever finer ones a contender has. */
export function parts({ phases }: Measurement): {
  rollout: number;
  reference: number;
  policy: number;
  optimizer: number;
} {
  const of = (name: string) => phases[name] ?? 0;
  return {
    rollout: of('rollout'),
    reference: of('reference'),
    policy: of('policy') + of('policy_forward') + of('backward'),
    optimizer: of('optimizer'),
  };
}
