import { z } from 'zod';
import { shortList } from '../../../model-folder/json.js';
import type { VisionConfig as CommonVision, ModelConfig, TextConfig } from '../../../model-folder/model-config.js';

/** The vision tower. */
export interface VisionConfig extends CommonVision {
  depth: number;
  embedDim: number;
  numHeads: number;
  /** Width of a block's MLP in multiples of `embedDim`. */
  mlpRatio: number;
  inChannels: number;
  /** Width of the merger's output: the decoder's `hiddenSize`. */
  hiddenSize: number;
  ropeTheta: number;
}

export interface Qwen2VLConfig extends ModelConfig {
  vision: VisionConfig;
}

/** Far past any model, and small enough that a list of so many layers, or a row of so many numbers, is no burden. */
const layers = z.number().int().positive().max(1024);
const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 24);
/** Of a picture, in pixels, frames or patches. */
const edge = z.number().int().positive().max(1024);
const theta = z.number().min(1).max(1e12);
const tokenId = z.number().int().nonnegative();
const ropeKind = z.enum(['default', 'mrope'], 'only plain M-RoPE is supported, no YaRN or other scaling').optional();
/** The default of transformers, for the decoder. */
const ROPE_THETA = 1_000_000;

const rope = z
  .object({
    type: ropeKind,
    rope_type: ropeKind,
    rope_theta: theta.optional(),
    mrope_section: z.tuple([size, size, size]),
  })
  .nullish();

/** Defaults are those of transformers. What decides a tensor's shape has none, except where checkpoints leave it out. */
const text = z.object({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layers,
  num_attention_heads: size,
  num_key_value_heads: size.nullable(),
  hidden_act: z.literal('silu').default('silu'),
  rms_norm_eps: z.number().positive().max(0.1).default(1e-5),
  layer_types: shortList(z.literal('full_attention', 'only full attention is supported'), 1024).nullish(),
  use_sliding_window: z.literal(false, 'sliding-window attention is not supported').nullish(),
  rope_theta: theta.optional(),
  /** The name until transformers 4, … */
  rope_scaling: rope,
  /** … and since 5. */
  rope_parameters: rope,
  tie_word_embeddings: z.boolean().optional(),
});

const vision = z.object({
  depth: layers,
  embed_dim: size,
  num_heads: size,
  hidden_size: size,
  mlp_ratio: z.number().positive().max(1024).default(4),
  hidden_act: z.literal('quick_gelu').default('quick_gelu'),
  in_channels: z.literal(3).default(3),
  patch_size: edge.default(14),
  spatial_merge_size: edge.default(2),
  temporal_patch_size: edge.default(2),
  rope_parameters: z.object({ rope_theta: theta.default(10_000) }).nullish(),
});

const root = z.object({
  vision_config: vision,
  tie_word_embeddings: z.boolean().optional(),
  image_token_id: tokenId.default(151655),
  video_token_id: tokenId.default(151656),
  vision_start_token_id: tokenId.default(151652),
  vision_end_token_id: tokenId.default(151653),
});

const nested = root
  .extend({ text_config: text })
  .transform((json, context) => assemble(json, json.text_config, context));
const flat = root.extend(text.shape).transform((json, context) => assemble(json, json, context));

/** `config.json` of Qwen2-VL, in either layout, as a `Qwen2VLConfig`. */
export const qwen2VLSchema: z.ZodType<Qwen2VLConfig> = z.unknown().transform((json, context) => {
  const isNested = typeof json === 'object' && json !== null && 'text_config' in json;
  const { success, data, error } = (isNested ? nested : flat).safeParse(json);
  if (success) return data;
  for (const { path, message } of error.issues) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});

function assemble(json: z.infer<typeof root>, textJson: z.infer<typeof text>, context: z.RefinementCtx): Qwen2VLConfig {
  const config: Qwen2VLConfig = {
    modelType: 'qwen2_vl',
    text: textConfig(textJson, context),
    vision: visionConfig(json.vision_config),
    // Files of transformers 4 may say it inside `text_config` only.
    tieWordEmbeddings: Boolean(json.tie_word_embeddings || textJson.tie_word_embeddings),
    imageTokenId: json.image_token_id,
    videoTokenId: json.video_token_id,
    visionStartTokenId: json.vision_start_token_id,
    visionEndTokenId: json.vision_end_token_id,
  };
  for (const message of contradictions(config)) context.addIssue({ code: 'custom', message });
  return config;
}

function textConfig(json: z.infer<typeof text>, context: z.RefinementCtx): TextConfig {
  const ropeJson = json.rope_parameters ?? json.rope_scaling;
  if (!ropeJson)
    context.addIssue({ code: 'custom', path: ['rope_scaling'], message: 'is missing: M-RoPE needs mrope_section' });
  return {
    vocabSize: json.vocab_size,
    hiddenSize: json.hidden_size,
    intermediateSize: json.intermediate_size,
    numLayers: json.num_hidden_layers,
    numHeads: json.num_attention_heads,
    numKeyValueHeads: json.num_key_value_heads ?? json.num_attention_heads,
    headDim: json.hidden_size / json.num_attention_heads,
    qkNorm: false,
    rmsNormEps: json.rms_norm_eps,
    ropeTheta: ropeJson?.rope_theta ?? json.rope_theta ?? ROPE_THETA,
    mropeSection: ropeJson?.mrope_section ?? [0, 0, 0],
  };
}

const visionConfig = (json: z.infer<typeof vision>): VisionConfig => ({
  depth: json.depth,
  embedDim: json.embed_dim,
  numHeads: json.num_heads,
  mlpRatio: json.mlp_ratio,
  inChannels: json.in_channels,
  patchSize: json.patch_size,
  temporalPatchSize: json.temporal_patch_size,
  spatialMergeSize: json.spatial_merge_size,
  hiddenSize: json.hidden_size,
  ropeTheta: json.rope_parameters?.rope_theta ?? 10_000,
});

/** What no single entry can show. */
function contradictions({ text, vision }: Qwen2VLConfig): string[] {
  const { hiddenSize, numHeads, numKeyValueHeads, headDim, mropeSection } = text;
  const sections = mropeSection[0] + mropeSection[1] + mropeSection[2];
  const found: string[] = [];
  if (!Number.isInteger(headDim))
    found.push(`hidden_size ${hiddenSize} is no multiple of num_attention_heads ${numHeads}`);
  if (numHeads % numKeyValueHeads !== 0) {
    found.push(`num_attention_heads ${numHeads} is no multiple of num_key_value_heads ${numKeyValueHeads}`);
  }
  if (sections !== 0 && sections * 2 !== headDim) {
    found.push(`mrope_section [${mropeSection.join(', ')}] adds up to ${sections}; half a head is ${headDim / 2}`);
  }
  if (vision.embedDim % (vision.numHeads * 4) !== 0) {
    found.push(`vision embed_dim ${vision.embedDim} is no multiple of 4 · num_heads ${vision.numHeads}`);
  }
  if (vision.hiddenSize !== hiddenSize) {
    found.push(`the vision tower gives ${vision.hiddenSize} numbers a token, the decoder takes ${hiddenSize}`);
  }
  return found;
}
