import { basename, dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import { toConfigIssues } from '../config/issues.js';
import type { JsonSchema } from '../config/json-schema.js';
import { displayName, readYamlFile } from '../config/yaml-file.js';
import { ConfigError } from '../system/errors.js';
import { TASKS } from '../tasks/index.js';

/** One point of an axis: what the tables call it and the `--set` overrides that make it. */
export interface Choice {
  label: string;
  set: string[];
}

export interface Axis {
  name: string;
  choices: Choice[];
}

/** An ablation: a grid over axes, each point trained once a seed and compared with the first. */
export interface Ablation {
  /** Absolute path of the ablation file. */
  file: string;
  /** Absolute path of the config that all runs start from. */
  base: string;
  axes: Axis[];
  /** An axis is made of the base's reward terms, each of which is left out once. */
  leavesRewardsOut: boolean;
  /** So many, from that of `base` on; or which. */
  seeds: number | number[];
  /** The first point is trained again, with other seeds: what a difference looks like where there is none. */
  hasControl: boolean;
  /** The number that was named beforehand, as `tag/miou`. */
  primary?: string;
  /** Relative to the current folder, as in a config. */
  outputDir: string;
}

const labelled = z.strictObject({ label: z.string().min(1), set: z.array(z.string()).default([]) });
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.unknown())]);

const seed = z.number().multipleOf(1).min(0).max(0xffffffff);
const HEADLINES = TASKS.flatMap(({ name, headline }) => (headline === undefined ? [] : `${name}/${headline.name}`));

const fileSchema = z.strictObject({
  base: z.string().min(1).describe('The config that all runs start from, relative to this file.'),
  axes: z
    .record(z.string().min(1), z.array(z.union([labelled, value])).min(1))
    .default({})
    .describe('What is varied: an option and its values, or a name and its labelled choices.'),
  leave_one_out: z
    .literal('rewards')
    .optional()
    .describe('An axis of its own: the base as it is, and with each of its reward terms left out.'),
  seeds: z
    .union([z.array(seed).min(1), z.number().multipleOf(1).min(1).max(1000)])
    .default(5)
    .describe('Each point is trained once a seed: which, or how many from the base’s own on.'),
  aa: z
    .boolean()
    .default(true)
    .describe('Train the first point once more with other seeds (A/A): what differs there is noise.'),
  primary: z
    .enum(HEADLINES)
    .optional()
    .describe('The number that decides, named before anything is known. Left out: all are tested together.'),
  output_dir: z.string().min(1).optional().describe('Left out: runs/<name of this file>.'),
});

/**
 * Reads an ablation file:
 *
 * ```yaml
 * base: tag-qwen2-vl-2b.yaml
 * seeds: 5
 * primary: tag/miou
 * leave_one_out: rewards
 * axes:
 *   grpo.beta: [0, 0.04]               # an option and its values
 *   prompt:                            # or a name and its choices, each with any number of overrides
 *     - {label: with thought}
 *     - {label: without, set: [data.prompt=direct]}
 * ```
 *
 * @throws {ConfigError} with every problem at once
 */
export async function readAblation(path: string): Promise<Ablation> {
  const file = resolve(path);
  const { value: tree, places } = await readYamlFile(file);
  const parsed = fileSchema.safeParse(tree ?? {}, { reportInput: true });
  if (!parsed.success) {
    const schema = z.toJSONSchema(fileSchema, { io: 'input' }) as JsonSchema;
    throw new ConfigError({ file: displayName(file), issues: toConfigIssues({ error: parsed.error, places, schema }) });
  }
  const { base, axes, leave_one_out, seeds, aa, primary, output_dir } = parsed.data;
  return {
    file,
    base: resolve(dirname(file), base),
    axes: Object.entries(axes).map(([name, points]) => ({
      name,
      choices: points.map((point) => toChoice(name, point)),
    })),
    leavesRewardsOut: leave_one_out === 'rewards',
    seeds,
    hasControl: aa,
    primary,
    outputDir: output_dir ?? `runs/${basename(file, extname(file))}`,
  };
}

/** JSON is YAML, so that a value written as JSON is read back by `--set` as it was. */
function toChoice(option: string, point: z.infer<typeof labelled> | z.infer<typeof value>): Choice {
  if (typeof point === 'object' && point !== null && !Array.isArray(point)) return point;
  const text = JSON.stringify(point);
  return { label: typeof point === 'string' ? point : text, set: [`${option}=${text}`] };
}
