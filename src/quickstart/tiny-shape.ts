/** The shape of the quickstart's model: the smallest Qwen2-VL found that learns its clips in minutes. */
import type { TokenizerFacts } from './tokenizer.js';

/** Height and width of a clip in pixels: 6 × 6 patches, 3 × 3 tokens. */
export const FRAME_SIZE = 84;

const TEXT = { hidden: 128, layers: 2, heads: 8, kvHeads: 4, mlp: 256 } as const;
const VISION = { dim: 64, depth: 1, heads: 4, mlp: 128, patch: 14, merge: 2, frames: 2 } as const;

/** Far above the usual 0.02: at this width, layers of a smaller spread start out next to dead, and learn much later. */
export const INITIALIZER_RANGE = 0.08;

/** `config.json` as transformers writes it. */
export function tinyConfig({ vocabSize, idOf }: TokenizerFacts): object {
  return {
    architectures: ['Qwen2VLForConditionalGeneration'],
    model_type: 'qwen2_vl',
    dtype: 'float32',
    image_token_id: idOf('<|image_pad|>'),
    video_token_id: idOf('<|video_pad|>'),
    vision_start_token_id: idOf('<|vision_start|>'),
    vision_end_token_id: idOf('<|vision_end|>'),
    tie_word_embeddings: true,
    text_config: {
      model_type: 'qwen2_vl_text',
      vocab_size: vocabSize,
      hidden_size: TEXT.hidden,
      intermediate_size: TEXT.mlp,
      num_hidden_layers: TEXT.layers,
      num_attention_heads: TEXT.heads,
      num_key_value_heads: TEXT.kvHeads,
      hidden_act: 'silu',
      rms_norm_eps: 1e-6,
      attention_dropout: 0,
      initializer_range: INITIALIZER_RANGE,
      max_position_embeddings: 2048,
      use_cache: true,
      use_sliding_window: false,
      sliding_window: null,
      layer_types: Array.from({ length: TEXT.layers }, () => 'full_attention'),
      rope_parameters: { rope_type: 'default', rope_theta: 10000, mrope_section: [2, 3, 3] },
      bos_token_id: null,
      eos_token_id: idOf('<|im_end|>'),
      pad_token_id: idOf('<|endoftext|>'),
    },
    vision_config: {
      model_type: 'qwen2_vl_vision',
      depth: VISION.depth,
      embed_dim: VISION.dim,
      num_heads: VISION.heads,
      mlp_ratio: VISION.mlp / VISION.dim,
      hidden_size: TEXT.hidden,
      hidden_act: 'quick_gelu',
      in_channels: 3,
      patch_size: VISION.patch,
      spatial_merge_size: VISION.merge,
      temporal_patch_size: VISION.frames,
      initializer_range: INITIALIZER_RANGE,
    },
  };
}

/** `preprocessor_config.json`: frames stay at 84 × 84. */
export const tinyProcessor = {
  image_processor_type: 'Qwen2VLImageProcessor',
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  merge_size: VISION.merge,
  min_pixels: FRAME_SIZE ** 2,
  max_pixels: FRAME_SIZE ** 2,
  patch_size: VISION.patch,
  resample: 3,
  rescale_factor: 1 / 255,
  size: { shortest_edge: FRAME_SIZE ** 2, longest_edge: FRAME_SIZE ** 2 },
  temporal_patch_size: VISION.frames,
};

/** Names and shapes of all weights, as Hugging Face's checkpoints have them. Matrices are `[out, in]`. */
export function tinyShapes(vocabSize: number): [name: string, shape: number[]][] {
  const { hidden, mlp } = TEXT;
  const kv = (hidden / TEXT.heads) * TEXT.kvHeads;
  const { dim } = VISION;
  const merged = dim * VISION.merge ** 2;
  const linear = (name: string, out: number, into: number): [string, number[]][] => [
    [`${name}.weight`, [out, into]],
    [`${name}.bias`, [out]],
  ];
  const norm = (name: string): [string, number[]][] => [
    [`${name}.weight`, [dim]],
    [`${name}.bias`, [dim]],
  ];
  const layers = Array.from({ length: TEXT.layers }, (_, i): [string, number[]][] => [
    [`model.layers.${i}.input_layernorm.weight`, [hidden]],
    [`model.layers.${i}.post_attention_layernorm.weight`, [hidden]],
    ...linear(`model.layers.${i}.self_attn.q_proj`, hidden, hidden),
    ...linear(`model.layers.${i}.self_attn.k_proj`, kv, hidden),
    ...linear(`model.layers.${i}.self_attn.v_proj`, kv, hidden),
    [`model.layers.${i}.self_attn.o_proj.weight`, [hidden, hidden]],
    [`model.layers.${i}.mlp.gate_proj.weight`, [mlp, hidden]],
    [`model.layers.${i}.mlp.up_proj.weight`, [mlp, hidden]],
    [`model.layers.${i}.mlp.down_proj.weight`, [hidden, mlp]],
  ]);
  const blocks = Array.from({ length: VISION.depth }, (_, i): [string, number[]][] => [
    ...norm(`visual.blocks.${i}.norm1`),
    ...norm(`visual.blocks.${i}.norm2`),
    ...linear(`visual.blocks.${i}.attn.qkv`, 3 * dim, dim),
    ...linear(`visual.blocks.${i}.attn.proj`, dim, dim),
    ...linear(`visual.blocks.${i}.mlp.fc1`, VISION.mlp, dim),
    ...linear(`visual.blocks.${i}.mlp.fc2`, dim, VISION.mlp),
  ]);
  return [
    ['model.embed_tokens.weight', [vocabSize, hidden]],
    ...layers.flat(),
    ['model.norm.weight', [hidden]],
    ['visual.patch_embed.proj.weight', [dim, 3, VISION.frames, VISION.patch, VISION.patch]],
    ...blocks.flat(),
    ...norm('visual.merger.ln_q'),
    ...linear('visual.merger.mlp.0', merged, merged),
    ...linear('visual.merger.mlp.2', hidden, merged),
  ];
}
