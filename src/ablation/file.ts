import { basename, dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import { toConfigIssues } from '../config/issues.js';
import type { JsonSchema } from '../config/json-schema.js';
import { displayName, readYamlFile } from '../config/yaml-file.js';
import { ConfigError } from '../system/errors.js';

/** One point of an axis: what the tables call it and the `--set` overrides that make it. */
export interface Choice {
  label: string;
  set: string[];
}

export interface Axis {
  name: string;
  choices: Choice[];
}

/** An ablation: a grid over axes, each point trained once a seed. */
export interface Ablation {
  /** Absolute path of the ablation file. */
  file: string;
  /** Absolute path of the config that all runs start from. */
  base: string;
  axes: Axis[];
  /** Left out: the seed of `base` alone. */
  seeds?: number[];
  /** Relative to the current folder, as in a config. */
  outputDir: string;
}

const labelled = z.strictObject({ label: z.string().min(1), set: z.array(z.string()).default([]) });
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.unknown())]);

const fileSchema = z.strictObject({
  base: z.string().min(1).describe('The config that all runs start from, relative to this file.'),
  axes: z
    .record(z.string().min(1), z.array(z.union([labelled, value])).min(1))
    .default({})
    .describe('What is varied: an option and its values, or a name and its labelled choices.'),
  seeds: z
    .array(z.number().multipleOf(1).min(0).max(0xffffffff))
    .min(1)
    .optional()
    .describe('Each point is trained once a seed.'),
  output_dir: z.string().min(1).optional().describe('Left out: runs/<name of this file>.'),
});

/**
 * Reads an ablation file:
 *
 * ```yaml
 * base: tag-qwen2-vl-2b.yaml
 * seeds: [1, 2]
 * axes:
 *   grpo.beta: [0, 0.04]               # an option and its values
 *   rewards:                           # or a name and its choices, each with any number of overrides
 *     - {label: all}
 *     - {label: without IoU, set: [rewards.temporal_iou.weight=0]}
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
  const { base, axes, seeds, output_dir } = parsed.data;
  return {
    file,
    base: resolve(dirname(file), base),
    axes: Object.entries(axes).map(([name, points]) => ({
      name,
      choices: points.map((point) => toChoice(name, point)),
    })),
    seeds,
    outputDir: output_dir ?? `runs/${basename(file, extname(file))}`,
  };
}

/** JSON is YAML, so that a value written as JSON is read back by `--set` as it was. */
function toChoice(option: string, point: z.infer<typeof labelled> | z.infer<typeof value>): Choice {
  if (typeof point === 'object' && point !== null && !Array.isArray(point)) return point;
  const text = JSON.stringify(point);
  return { label: typeof point === 'string' ? point : text, set: [`${option}=${text}`] };
}
