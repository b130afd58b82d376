import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contender, projectFile, type Setting } from './contenders.js';
import type { Machine } from './machine.js';
import type { Measurement } from './measurement.js';

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
  steps: number;
  settings: SettingResult[];
}

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

/** One file a run in `runs/bench`, written again after each setting. */
export async function save(result: { date: string }): Promise<void> {
  const folder = projectFile('runs/bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${result.date.replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
}
