import { z } from 'zod';
import { shortList } from '../../model-folder/json.js';
import type { ModelConfig, TextConfig } from '../../model-folder/model-config.js';
import type { MropeSection } from './rope-axes.js';

/** Entries of `config.json` that several families have. Defaults are those of transformers. */

/** Far past any model, and small enough that a list of so many layers, or a row of so many numbers, is no burden. */
export const layers = z.number().int().positive().max(1024);
export const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 24);
/** Of a picture, in pixels, frames or patches. */
export const edge = z.number().int().positive().max(1024);
const theta = z.number().min(1).max(1e12);
const tokenId = z.number().int().nonnegative();
const ropeKind = z.enum(['default', 'mrope'], 'only plain M-RoPE is supported, no YaRN or other scaling').optional();

/** Which layers of a tower, by their numbers. */
export const layerList = shortList(z.number().int().nonnegative(), 1024);

const rope = z
  .object({
    type: ropeKind,
    rope_type: ropeKind,
    rope_theta: theta.optional(),
    mrope_section: z.tuple([size, size, size]).optional(),
    mrope_interleaved: z.boolean().optional(),
  })
  .nullish();

/** The decoder. What decides a tensor's shape has no default, except where checkpoints leave it out. */
export const textEntries = {
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
};

/** The vision tower. */
export const visionEntries = {
  depth: layers,
  num_heads: size,
  in_channels: z.literal(3).default(3),
  spatial_merge_size: edge.default(2),
  temporal_patch_size: edge.default(2),
  rope_parameters: z.object({ rope_theta: theta.default(10_000) }).nullish(),
};

export const rootEntries = {
  tie_word_embeddings: z.boolean().optional(),
  image_token_id: tokenId.default(151655),
  video_token_id: tokenId.default(151656),
  vision_start_token_id: tokenId.default(151652),
  vision_end_token_id: tokenId.default(151653),
};

type Json<Entries extends z.ZodRawShape> = z.infer<z.ZodObject<Entries>>;

/** What all families read of the decoder alike. */
export const commonText = (
  json: Json<typeof textEntries>,
): Omit<TextConfig, 'headDim' | 'attentionBias' | 'qkNorm' | 'ropeTheta' | 'ropeAxes'> => ({
  vocabSize: json.vocab_size,
  hiddenSize: json.hidden_size,
  intermediateSize: json.intermediate_size,
  numLayers: json.num_hidden_layers,
  numHeads: json.num_attention_heads,
  numKeyValueHeads: json.num_key_value_heads ?? json.num_attention_heads,
  rmsNormEps: json.rms_norm_eps,
});

/** What M-RoPE is made of. @param defaults where nothing is said */
export function ropeOf<Section extends MropeSection | null>(
  json: Json<typeof textEntries>,
  defaults: { theta: number; section: Section },
): { theta: number; section: MropeSection | Section; interleaved: boolean | undefined } {
  const given = json.rope_parameters ?? json.rope_scaling;
  return {
    theta: given?.rope_theta ?? json.rope_theta ?? defaults.theta,
    section: given?.mrope_section ?? defaults.section,
    interleaved: given?.mrope_interleaved,
  };
}

/** What all families read of the rest alike. */
export const commonRoot = (
  json: Json<typeof rootEntries>,
  text: Json<typeof textEntries>,
): Omit<ModelConfig, 'modelType' | 'text' | 'vision'> => ({
  // Files of transformers 4 may say it inside `text_config` only.
  tieWordEmbeddings: Boolean(json.tie_word_embeddings || text.tie_word_embeddings),
  imageTokenId: json.image_token_id,
  videoTokenId: json.video_token_id,
  visionStartTokenId: json.vision_start_token_id,
  visionEndTokenId: json.vision_end_token_id,
});

/** What no single entry of a decoder can show. */
export function textContradictions(text: TextConfig, section: MropeSection | null): string[] {
  const { hiddenSize, numHeads, numKeyValueHeads, headDim } = text;
  const found: string[] = [];
  if (!Number.isInteger(headDim))
    found.push(`hidden_size ${hiddenSize} is no multiple of num_attention_heads ${numHeads}`);
  if (numHeads % numKeyValueHeads !== 0)
    found.push(`num_attention_heads ${numHeads} is no multiple of num_key_value_heads ${numKeyValueHeads}`);
  if (section === null) return found;
  const sum = section[0] + section[1] + section[2];
  if (sum * 2 !== headDim)
    found.push(`mrope_section [${section.join(', ')}] adds up to ${sum}; half a head is ${headDim / 2}`);
  return found;
}

/** The same of a tower. */
export function visionContradictions(args: {
  /** The entry that says how wide a patch is between blocks. */
  entry: string;
  width: number;
  heads: number;
  /** Numbers of a token that it gives. */
  out: number;
  hiddenSize: number;
}): string[] {
  const { entry, width, heads, out, hiddenSize } = args;
  const found: string[] = [];
  if (width % (heads * 4) !== 0) found.push(`vision ${entry} ${width} is no multiple of 4 · num_heads ${heads}`);
  if (out !== hiddenSize) found.push(`the vision tower gives ${out} numbers a token, the decoder takes ${hiddenSize}`);
  return found;
}

/**
 * A schema of `config.json` in the flat layout of the published checkpoints or the nested one (`text_config`) of
 * transformers 5.
 *
 * @param assemble makes the config of both parts; what it finds amiss goes to `context`
 */
export function inEitherLayout<
  Root extends z.ZodRawShape,
  Text extends z.ZodRawShape,
  Config extends ModelConfig,
>(args: {
  root: z.ZodObject<Root>;
  text: z.ZodObject<Text>;
  assemble: (root: z.infer<z.ZodObject<Root>>, text: z.infer<z.ZodObject<Text>>, context: z.RefinementCtx) => Config;
}): z.ZodType<Config> {
  const { root, text, assemble } = args;
  const nested = z.object({ text_config: text });
  return z.unknown().transform((json, context) => {
    const isNested = typeof json === 'object' && json !== null && 'text_config' in json;
    const [ofRoot, ofText] = [root.safeParse(json), isNested ? nested.safeParse(json) : text.safeParse(json)];
    for (const { error } of [ofRoot, ofText])
      for (const { path, message } of error?.issues ?? []) context.addIssue({ code: 'custom', path, message });
    if (!ofRoot.success || !ofText.success) return z.NEVER;
    const textJson = isNested ? (ofText.data as { text_config: unknown }).text_config : ofText.data;
    return assemble(ofRoot.data, textJson as z.infer<z.ZodObject<Text>>, context);
  });
}
