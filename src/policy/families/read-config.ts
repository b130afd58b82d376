import path from 'node:path';
import { z } from 'zod';
import { readJson } from '../../model-folder/json.js';
import type { ModelConfig } from '../../model-folder/model-config.js';
import { ModelError } from '../../system/errors.js';
import { FAMILIES } from './index.js';

const quantization = z.object({ quant_method: z.string().nullish() }).nullish();
const kindSchema = z.object({
  model_type: z.string(),
  quantization_config: quantization,
  /** The name that compressed-tensors had for it. */
  compression_config: quantization,
  text_config: z.object({ quantization_config: quantization }).optional(),
});

/**
 * Reads `config.json` of a model folder, in the flat layout of the published checkpoints or the nested one
 * (`text_config`) of transformers 5.
 *
 * @throws ModelError `MODEL_FILE_MISSING`, `MODEL_FILE_INVALID`, `MODEL_UNSUPPORTED` for a family that is not known, or
 *   `WEIGHTS_QUANTIZED`.
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = path.join(folder, 'config.json');
  const remedy = 'give a model folder in Hugging Face layout.';
  const kind = await readJson({ file, schema: kindSchema, remedy });
  const { model_type } = kind;

  const family = FAMILIES.find(({ modelType }) => modelType === model_type);
  const quantization = kind.quantization_config ?? kind.compression_config ?? kind.text_config?.quantization_config;
  if (family && quantization) {
    const method = quantization.quant_method ?? 'no quant_method given';
    throw new ModelError({
      code: 'WEIGHTS_QUANTIZED',
      message: `${file}: by its quantization_config (${method}) the weights are quantized: use the checkpoint that was not. To save memory, train with model.lora and model.dtype bfloat16.`,
    });
  }
  if (family) return readJson({ file, schema: family.schema, remedy });
  const known = FAMILIES.map(({ modelType }) => modelType).join(', ');
  throw new ModelError({
    code: 'MODEL_UNSUPPORTED',
    message: `${file}: model_type ${model_type} is not supported yet; use a model of type ${known}.`,
  });
}
