import { join } from 'node:path';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { ConfigError } from '../system/errors.js';
import type { Ablation, Choice } from './file.js';

/** One training run of an ablation. */
export interface PlannedRun {
  /** Also the name of its folder. */
  name: string;
  /** The label of its choice on each axis, in the order of the axes. */
  labels: string[];
  seed: number;
  /** What makes it from the base config. */
  set: string[];
  config: Config;
}

/**
 * The grid of an ablation: every combination of choices times every seed, each config checked before anything runs.
 * `set` are overrides for all runs.
 *
 * @throws {ConfigError} if a combination makes a config that cannot be
 */
export async function planRuns({ ablation, set = [] }: { ablation: Ablation; set?: string[] }): Promise<PlannedRun[]> {
  const seeds = ablation.seeds ?? [(await loadConfig({ file: ablation.base, set })).seed];
  const points = ablation.axes.reduce<Choice[][]>(
    (grid, { choices }) => grid.flatMap((point) => choices.map((choice) => [...point, choice])),
    [[]],
  );
  const runs: PlannedRun[] = [];
  for (const point of points) {
    for (const seed of seeds) {
      const name = runName(ablation, point, seed);
      const all = [
        ...set,
        ...point.flatMap((choice) => choice.set),
        `seed=${seed}`,
        `name=${name}`,
        `output_dir=${JSON.stringify(join(ablation.outputDir, name))}`,
      ];
      const config = await loadConfig({ file: ablation.base, set: all });
      runs.push({ name, labels: point.map(({ label }) => label), seed, set: all, config });
    }
  }
  refuseTwins(ablation, runs);
  return runs;
}

/** `without-iou_grpo.beta-0.04_seed-1`: a label alone says enough where it is not the value of an option. */
function runName({ axes }: Ablation, point: Choice[], seed: number): string {
  const parts = point.map(({ label, set }, i) => {
    const axis = axes[i]!.name;
    return slug(set.length === 1 && set[0]!.startsWith(`${axis}=`) ? `${axis}-${label}` : label);
  });
  return [...parts, `seed-${seed}`].join('_');
}

/** Letters, digits, `.` and `-`, as the name of a folder on any system. */
function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9.]+/g, '-')
      .replace(/^[-.]+|[-.]+$/g, '') || 'x'
  );
}

function refuseTwins({ file }: Ablation, runs: PlannedRun[]): void {
  const seen = new Set<string>();
  for (const { name } of runs) {
    if (seen.has(name)) {
      const message = `two of its runs would be called “${name}”; give their choices labels that differ in letters and digits`;
      throw new ConfigError({ file, issues: [{ path: 'axes', message }] });
    }
    seen.add(name);
  }
}
