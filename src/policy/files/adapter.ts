import path from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../errors.js';
import type { LoraSettings } from '../lora.js';
import { readJson } from './json.js';
import { openSafetensors, type TensorSource, toFloat32 } from './safetensors.js';

/** peft's layout: what `PeftModel.save_pretrained` writes and `PeftModel.from_pretrained` reads. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
export const ADAPTER_CONFIG = 'adapter_config.json';

/** peft names tensors by the module tree of transformers' model in memory, under its own wrapper. */
const toPeftName = (name: string): string =>
  `base_model.model.${name.replace(/^model\.layers\./, 'model.language_model.layers.')}`;

/** Adapters saved under transformers before 4.52 have `model.layers` where newer ones have `model.language_model.layers`. */
const fromPeftName = (name: string): string =>
  name.replace(/^base_model\.model\./, '').replace(/^model\.language_model\.layers\./, 'model.layers.');

const configSchema = z.object({
  peft_type: z.literal('LORA'),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.array(z.string()), z.string()]),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.literal('none').default('none'),
  rank_pattern: z.record(z.string(), z.number()).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
});

/** An adapter's settings and its factors under our names. */
export interface StoredAdapter {
  lora: LoraSettings;
  factors: Map<string, { shape: readonly number[]; values: Float32Array }>;
}

/**
 * Reads a LoRA adapter in peft's layout.
 *
 * @throws ModelError `ADAPTER_UNSUPPORTED` for kinds of adapter that this is not (DoRA, rsLoRA, ranks by pattern, …)
 */
export async function readAdapter(folder: string): Promise<StoredAdapter> {
  const file = path.join(folder, ADAPTER_CONFIG);
  const remedy = 'give a folder that peft or vau-rft has saved a LoRA adapter in.';
  const config = await readJson({ file, schema: configSchema, remedy });
  const hasEntries = (pattern?: Record<string, number> | null) => Object.keys(pattern ?? {}).length > 0;
  const unsupported = [
    config.use_rslora && 'use_rslora',
    config.use_dora && 'use_dora',
    hasEntries(config.rank_pattern) && 'rank_pattern',
    hasEntries(config.alpha_pattern) && 'alpha_pattern',
    (config.modules_to_save?.length ?? 0) > 0 && 'modules_to_save',
    typeof config.target_modules === 'string' && 'target_modules as a pattern',
  ].filter((name) => name !== false);
  if (unsupported.length > 0) {
    const message = `${file}: ${unsupported.join(', ')} is not supported; save the adapter as plain LoRA with a list of target_modules.`;
    throw new ModelError({ code: 'ADAPTER_UNSUPPORTED', message });
  }
  const weights = await openSafetensors(path.join(folder, ADAPTER_WEIGHTS));
  try {
    const factors: StoredAdapter['factors'] = new Map();
    for (const [name, { shape }] of weights.entries)
      factors.set(fromPeftName(name), { shape, values: toFloat32(await weights.readTensor(name)) });
    const { r, lora_alpha, target_modules } = config;
    return { lora: { r, lora_alpha, target_modules: target_modules as string[] }, factors };
  } finally {
    await weights.close();
  }
}

/** The values of a stored adapter's factors, checked against the shapes that the model needs. */
export function storedFactors({ adapter, folder }: { adapter: StoredAdapter; folder: string }) {
  return (name: string, shape: readonly [number, number]): Float32Array => {
    const factor = adapter.factors.get(name);
    if (factor === undefined) {
      const message = `the adapter in ${folder} has no tensor ${toPeftName(name)}: it was made for another model or is incomplete.`;
      throw new ModelError({ code: 'TENSOR_MISSING', message });
    }
    if (factor.shape.join() !== shape.join()) {
      const message = `the adapter in ${folder}: ${toPeftName(name)} is [${factor.shape}], and the model needs [${shape}].`;
      throw new ModelError({ code: 'TENSOR_SHAPE', message });
    }
    return factor.values;
  };
}

/** `adapter_config.json` as peft writes it. */
export function adapterConfigText({ lora, baseModel }: { lora: LoraSettings; baseModel: string }): string {
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel,
    r: lora.r,
    lora_alpha: lora.lora_alpha,
    lora_dropout: 0,
    target_modules: [...lora.target_modules],
    // The vision tower has layers of the same kind; peft must leave them alone.
    exclude_modules: '.*visual.*',
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    inference_mode: true,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Tensors of an adapter under peft's names. */
export const peftTensors = (tensors: readonly TensorSource[]): TensorSource[] =>
  tensors.map((tensor) => ({ ...tensor, name: toPeftName(tensor.name) }));
