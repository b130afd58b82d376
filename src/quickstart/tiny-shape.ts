/** The shapes of the quickstart's models: the smallest that were found to learn its clips in minutes. */
import { CLIP_PROCESSOR } from '../model-folder/video-processor-config.js';
import type { TokenizerFacts } from './tokenizer.js';

/** Families that a quickstart can be made of. */
export type QuickstartFamily = 'qwen2_vl' | 'qwen2_5_vl' | 'qwen3_vl';

/** Height and width of a clip in pixels. */
export const CLIP_SIZE = 84;
/** Cells of merged patches across a frame. */
const CELLS = 3;

const TEXT = { hidden: 128, layers: 2, heads: 8, kvHeads: 4, headDim: 16, mlp: 256 } as const;
const VISION = { dim: 64, heads: 4, mlp: 128, merge: 2, frames: 2 } as const;

/** Far above the usual 0.02: at this width, layers of a smaller spread start out next to dead, and learn much later. */
export const INITIALIZER_RANGE = 0.08;

interface Shape {
  architecture: string;
  patch: number;
  text: object;
  vision: object;
  processor: { image_processor_type: string; image_mean: number[]; image_std: number[] };
}

const clip = {
  image_processor_type: 'Qwen2VLImageProcessor',
  image_mean: CLIP_PROCESSOR.imageMean,
  image_std: CLIP_PROCESSOR.imageStd,
};
const qwen2Text = {
  use_sliding_window: false,
  sliding_window: null,
  layer_types: Array.from({ length: TEXT.layers }, () => 'full_attention'),
  rope_parameters: { rope_type: 'default', rope_theta: 10000, mrope_section: [2, 3, 3] },
};
const wide = { hidden_size: VISION.dim, intermediate_size: VISION.mlp, out_hidden_size: TEXT.hidden };

const SHAPES: Record<QuickstartFamily, Shape> = {
  qwen2_vl: {
    architecture: 'Qwen2VLForConditionalGeneration',
    patch: 14,
    text: qwen2Text,
    vision: {
      depth: 1,
      embed_dim: VISION.dim,
      mlp_ratio: VISION.mlp / VISION.dim,
      hidden_size: TEXT.hidden,
      hidden_act: 'quick_gelu',
    },
    processor: clip,
  },
  qwen2_5_vl: {
    architecture: 'Qwen2_5_VLForConditionalGeneration',
    patch: 14,
    text: qwen2Text,
    // Windows of 2 × 2 cells, then whole slices.
    vision: {
      ...wide,
      depth: 2,
      hidden_act: 'silu',
      window_size: 56,
      fullatt_block_indexes: [1],
      tokens_per_second: 2,
    },
    processor: clip,
  },
  qwen3_vl: {
    architecture: 'Qwen3VLForConditionalGeneration',
    patch: 16,
    text: {
      head_dim: TEXT.headDim,
      attention_bias: false,
      rope_parameters: { rope_type: 'default', rope_theta: 10000, mrope_section: [2, 3, 3], mrope_interleaved: true },
    },
    vision: {
      ...wide,
      depth: 2,
      hidden_act: 'gelu_pytorch_tanh',
      num_position_embeddings: (CELLS * VISION.merge) ** 2,
      deepstack_visual_indexes: [0],
    },
    processor: {
      image_processor_type: 'Qwen2VLImageProcessorFast',
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    },
  },
};

/** Height · width of the frames that the model sees. */
export const framePixels = (family: QuickstartFamily): number => (CELLS * VISION.merge * SHAPES[family].patch) ** 2;

/** `config.json` as transformers writes it. */
export function tinyConfig({ family, facts }: { family: QuickstartFamily; facts: TokenizerFacts }) {
  const { vocabSize, idOf } = facts;
  const { architecture, patch, text, vision } = SHAPES[family];
  return {
    architectures: [architecture],
    model_type: family,
    dtype: 'float32',
    image_token_id: idOf('<|image_pad|>'),
    video_token_id: idOf('<|video_pad|>'),
    vision_start_token_id: idOf('<|vision_start|>'),
    vision_end_token_id: idOf('<|vision_end|>'),
    tie_word_embeddings: true,
    text_config: {
      model_type: `${family}_text`,
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
      ...text,
      bos_token_id: null,
      eos_token_id: idOf('<|im_end|>'),
      pad_token_id: idOf('<|endoftext|>'),
    },
    vision_config: {
      model_type: `${family}_vision`,
      num_heads: VISION.heads,
      in_channels: 3,
      patch_size: patch,
      spatial_merge_size: VISION.merge,
      temporal_patch_size: VISION.frames,
      initializer_range: INITIALIZER_RANGE,
      ...vision,
    },
  };
}

/** `preprocessor_config.json`: frames have one size. */
export function tinyProcessor(family: QuickstartFamily) {
  const pixels = framePixels(family);
  const { patch, processor } = SHAPES[family];
  return {
    ...processor,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    merge_size: VISION.merge,
    min_pixels: pixels,
    max_pixels: pixels,
    patch_size: patch,
    resample: 3,
    rescale_factor: 1 / 255,
    size: { shortest_edge: pixels, longest_edge: pixels },
    temporal_patch_size: VISION.frames,
  };
}
