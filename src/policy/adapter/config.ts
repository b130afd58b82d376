import path from 'node:path';
import { z } from 'zod';
import { readJson, shortList } from '../../model-folder/json.js';
import { ModelError } from '../../system/errors.js';
import { ADAPTER_CONFIG } from './names.js';

/** More than any model has modules. */
const MOST = 4096;
const names = shortList(z.string(), MOST)
  .nullish()
  .transform((list) => list ?? []);
const pattern = z
  .record(z.string(), z.unknown())
  .refine((record) => Object.keys(record).length <= MOST, `more than ${MOST} entries`)
  .pipe(z.record(z.string(), z.number()))
  .nullish()
  .transform((record) => record ?? {});
const indices = shortList(z.int().nonnegative(), 2 ** 18);

/** What of peft's `LoraConfig` decides about a model's weights; defaults are peft's. */
const loraSchema = z.object({
  r: z.int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  target_modules: z.union([z.string(), names]),
  exclude_modules: z.union([z.string(), names]),
  layers_to_transform: z
    .union([z.int().transform((index) => [index]), shortList(z.int(), MOST), z.null()])
    .default(null),
  layers_pattern: z.union([z.string().transform((one) => [one]), names]),
  target_parameters: names,
  ensure_weight_tying: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.enum(['none', 'all', 'lora_only']).default('none'),
  lora_bias: z.boolean().default(false),
  modules_to_save: names,
  trainable_token_indices: z
    .union([indices.transform((list) => ({ embed_tokens: list })), z.record(z.string(), indices), z.null()])
    .default(null),
  init_lora_weights: z.union([z.boolean(), z.string(), z.null()]).default(true),
});

export type AdapterConfig = z.output<typeof loraSchema>;

/** Starts that leave the base model as it is stored. The others (PiSSA, OLoRA, CorDA, LoftQ, …) take their product off it. */
const PLAIN_STARTS = new Set<unknown>([true, false, null, 'gaussian', 'eva', 'orthogonal', 'mica']);

/**
 * What has no part in the weights: bookkeeping, options of training, and options that others switch on. `fan_in_fan_out`
 * is of layers that these models have none of, and peft passes over it for all others.
 */
const WITHOUT_EFFECT = new Set([
  ...[
    'peft_type',
    'peft_version',
    'task_type',
    'auto_mapping',
    'base_model_name_or_path',
    'revision',
    'inference_mode',
  ],
  ...['lora_dropout', 'fan_in_fan_out', 'runtime_config', 'megatron_core', 'qalora_group_size'],
  ...['eva_config', 'corda_config', 'lora_ga_config', 'loftq_config'],
]);

const isOff = (value: unknown): boolean =>
  value === null || value === false || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

/**
 * Reads `adapter_config.json` of a LoRA adapter.
 *
 * @throws ModelError `ADAPTER_UNSUPPORTED` naming each field that says something which cannot be followed, so that none
 *   is passed over; `MODEL_FILE_MISSING`, `MODEL_FILE_INVALID`
 */
export async function readAdapterConfig(folder: string): Promise<AdapterConfig> {
  const file = path.join(folder, ADAPTER_CONFIG);
  const remedy = 'give a folder that peft or vau-rft has saved a LoRA adapter in.';
  const all = await readJson({ file, schema: z.looseObject({ peft_type: z.string() }), remedy });
  if (all.peft_type !== 'LORA') {
    throw unsupported(file, `peft_type ${all.peft_type} is not supported, LORA is`);
  }
  const config = await readJson({ file, schema: loraSchema, remedy });
  const found = Object.entries(all)
    .filter(([name, value]) => !Object.hasOwn(loraSchema.shape, name) && !WITHOUT_EFFECT.has(name) && !isOff(value))
    .map(([name]) => name);
  if (found.length > 0) throw unsupported(file, `${found.join(', ')}: not supported`);
  if (!PLAIN_STARTS.has(config.init_lora_weights)) {
    const message =
      `${file}: init_lora_weights ${JSON.stringify(config.init_lora_weights)} changes the base model's weights before ` +
      'training, and the adapter is of these, not of the stored ones. Where it was trained, save it with ' +
      'path_initial_model_for_weight_conversion, or save the whole model with merge_and_unload.';
    throw new ModelError({ code: 'ADAPTER_UNSUPPORTED', message });
  }
  return config;
}

const unsupported = (file: string, what: string): ModelError =>
  new ModelError({
    code: 'ADAPTER_UNSUPPORTED',
    message: `${file}: ${what}. Train without it, or give a whole model that it was merged into (merge_and_unload in peft).`,
  });
