import { join } from 'node:path';
import { loadConfig } from '../config/load.js';
import { termName } from '../config/rewards.js';
import type { Config } from '../config/schema.js';
import { ConfigError } from '../system/errors.js';
import type { Ablation, Axis, Choice } from './file.js';

/** One training run of an ablation. */
export interface PlannedRun {
  /** Also the name of its folder. */
  name: string;
  /** The label of its choice on each axis, in the order of the axes. */
  labels: string[];
  /** Its point is the first one, again (A/A). */
  isControl: boolean;
  seed: number;
  /** What makes it from the base config. */
  set: string[];
  config: Config;
}

/** An ablation with all of its axes, and the runs that it is. */
export interface Plan {
  axes: Axis[];
  runs: PlannedRun[];
}

/** Seeds of the control lie so far from the others. */
const OTHER_SEEDS = 1_000_000;

/**
 * The grid of an ablation: every combination of choices times every seed, each config checked before anything runs. The
 * first point is what all others are compared with.
 *
 * @param set overrides for all runs
 * @param more seeds beside those of the file
 * @throws {ConfigError} if a combination makes a config that cannot be
 */
export async function planRuns(args: { ablation: Ablation; set?: string[]; more?: number }): Promise<Plan> {
  const { ablation, set = [], more = 0 } = args;
  const { base, outputDir, hasControl } = ablation;
  const config = await loadConfig({ file: base, set });
  const axes = [...(ablation.leavesRewardsOut ? [rewardsAxis(config)] : []), ...ablation.axes];
  const points = axes.reduce<Choice[][]>(
    (grid, { choices }) => grid.flatMap((point) => choices.map((choice) => [...point, choice])),
    [[]],
  );
  const seeds = allSeeds({ own: ablation.seeds, first: config.seed, more });
  const planned = points.flatMap((point) => seeds.map((seed) => ({ point, seed, isControl: false })));
  if (hasControl && points.length > 1)
    planned.push(
      ...seeds.map((seed) => ({ point: points[0]!, seed: (seed + OTHER_SEEDS) % 2 ** 32, isControl: true })),
    );
  const runs: PlannedRun[] = [];
  for (const { point, seed, isControl } of planned) {
    const name = runName({ axes, point, seed, isControl });
    const all = [
      ...set,
      ...point.flatMap((choice) => choice.set),
      `seed=${seed}`,
      `name=${name}`,
      `output_dir=${JSON.stringify(join(outputDir, name))}`,
    ];
    const labels = point.map(({ label }) => label);
    runs.push({ name, labels, isControl, seed, set: all, config: await loadConfig({ file: base, set: all }) });
  }
  refuseTwins(ablation, runs);
  return { axes, runs };
}

/** All terms that are learned from, and all but each of them (which is still measured). */
function rewardsAxis({ rewards }: Config): Axis {
  const learned = rewards.filter(({ weight }) => weight !== 0).map(termName);
  const without = learned.map((name) => ({ label: `without ${name}`, set: [`rewards.${name}.weight=0`] }));
  return { name: 'rewards', choices: [{ label: 'all', set: [] }, ...without] };
}

/** Those of the file, and so many more behind the largest. */
function allSeeds({ own, first, more }: { own: number | number[]; first: number; more: number }): number[] {
  const seeds = typeof own === 'number' ? Array.from({ length: own }, (_, i) => first + i) : own;
  const next = Math.max(...seeds) + 1;
  return [...seeds, ...Array.from({ length: more }, (_, i) => next + i)].map((seed) => seed % 2 ** 32);
}

/** `without-iou_grpo.beta-0.04_seed-1`: a label alone says enough where it is not the value of an option. */
function runName(args: { axes: Axis[]; point: Choice[]; seed: number; isControl: boolean }): string {
  const { axes, point, seed, isControl } = args;
  const parts = point.map(({ label, set }, i) => {
    const axis = axes[i]!.name;
    return slug(set.length === 1 && set[0]!.startsWith(`${axis}=`) ? `${axis}-${label}` : label);
  });
  return [...(isControl ? ['control'] : []), ...parts, `seed-${seed}`].join('_');
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
