import path from 'node:path';
import { z } from 'zod';
import { ModelError } from '../system/errors.js';
import { readJson } from './json.js';
import { qwen2VLSchema } from './qwen2-vl-config.js';

/** The decoder: Qwen2 with 3-D rotary positions (M-RoPE). */
export interface TextConfig {
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numLayers: number;
  numHeads: number;
  numKeyValueHeads: number;
  /** `hiddenSize / numHeads` */
  headDim: number;
  hiddenAct: 'silu';
  rmsNormEps: number;
  ropeTheta: number;
  /** Frequencies for time, height and width; they add up to `headDim / 2`. */
  mropeSection: [number, number, number];
  maxPositionEmbeddings: number;
}

/** The vision tower. */
export interface VisionConfig {
  depth: number;
  embedDim: number;
  numHeads: number;
  /** Width of a block's MLP in multiples of `embedDim`. */
  mlpRatio: number;
  hiddenAct: 'quick_gelu';
  inChannels: number;
  /** Pixels. */
  patchSize: number;
  /** Frames. */
  temporalPatchSize: number;
  /** This many patches, squared, become one token. */
  spatialMergeSize: number;
  /** Width of the merger's output: the decoder's `hiddenSize`. */
  hiddenSize: number;
  ropeTheta: number;
}

export interface Qwen2VLConfig {
  modelType: 'qwen2_vl';
  text: TextConfig;
  vision: VisionConfig;
  /** The output layer is the token embedding. */
  tieWordEmbeddings: boolean;
  imageTokenId: number;
  videoTokenId: number;
  visionStartTokenId: number;
  visionEndTokenId: number;
}

/**
 * The families that can be read, by `model_type`. A new one is a schema here and a type beside `Qwen2VLConfig`, with
 * `ModelConfig` their union, told apart by `modelType`.
 */
const FAMILIES = new Map<string, z.ZodType<ModelConfig>>([['qwen2_vl', qwen2VLSchema]]);
export type ModelConfig = Qwen2VLConfig;

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
 * @throws ModelError `MODEL_FILE_MISSING`, `MODEL_FILE_INVALID`, `MODEL_UNSUPPORTED` for another family, or
 *   `WEIGHTS_QUANTIZED`.
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = path.join(folder, 'config.json');
  const remedy = 'give a model folder in Hugging Face layout.';
  const kind = await readJson({ file, schema: kindSchema, remedy });
  const { model_type } = kind;

  const schema = FAMILIES.get(model_type);
  const quantization = kind.quantization_config ?? kind.compression_config ?? kind.text_config?.quantization_config;
  if (schema && quantization) {
    const method = quantization.quant_method ?? 'no quant_method given';
    throw new ModelError({
      code: 'WEIGHTS_QUANTIZED',
      message: `${file}: by its quantization_config (${method}) the weights are quantized: use the checkpoint that was not. To save memory, train with model.lora and model.dtype bfloat16.`,
    });
  }
  if (schema) return readJson({ file, schema, remedy });
  const known = [...FAMILIES.keys()].join(', ');
  throw new ModelError({
    code: 'MODEL_UNSUPPORTED',
    message: `${file}: model_type ${model_type} is not supported yet; use a model of type ${known}.`,
  });
}
