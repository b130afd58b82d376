import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModelConfig } from '../../../src/policy/families/read-config.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(json: unknown) {
  await writeFile(path.join(folder, 'config.json'), typeof json === 'string' ? json : JSON.stringify(json));
  return readModelConfig(folder);
}

/** The entries of Qwen2-VL-2B-Instruct, as published (transformers 4.41). */
const FLAT = {
  architectures: ['Qwen2VLForConditionalGeneration'],
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  vision_token_id: 151654,
  image_token_id: 151655,
  video_token_id: 151656,
  hidden_act: 'silu',
  hidden_size: 1536,
  initializer_range: 0.02,
  intermediate_size: 8960,
  max_position_embeddings: 32768,
  max_window_layers: 28,
  model_type: 'qwen2_vl',
  num_attention_heads: 12,
  num_hidden_layers: 28,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: 32768,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vision_config: {
    depth: 32,
    embed_dim: 1280,
    mlp_ratio: 4,
    num_heads: 16,
    in_chans: 3,
    hidden_size: 1536,
    patch_size: 14,
    spatial_merge_size: 2,
    spatial_patch_size: 14,
    temporal_patch_size: 2,
  },
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
  vocab_size: 151936,
};

/** As `save_pretrained` of transformers 5.23 writes a small model. */
const NESTED = {
  architectures: ['Qwen2VLForConditionalGeneration'],
  image_token_id: 70,
  model_type: 'qwen2_vl',
  text_config: {
    hidden_act: 'silu',
    hidden_size: 32,
    intermediate_size: 48,
    layer_types: ['full_attention'],
    model_type: 'qwen2_vl_text',
    num_attention_heads: 4,
    num_hidden_layers: 1,
    num_key_value_heads: 2,
    pad_token_id: null,
    rms_norm_eps: 1e-5,
    rope_parameters: { mrope_section: [1, 1, 2], rope_theta: 10000.0, rope_type: 'default' },
    sliding_window: null,
    use_sliding_window: false,
    vocab_size: 64,
  },
  tie_word_embeddings: false,
  video_token_id: 71,
  vision_config: {
    depth: 1,
    embed_dim: 32,
    hidden_act: 'quick_gelu',
    hidden_size: 32,
    in_channels: 3,
    mlp_ratio: 2,
    num_heads: 2,
    patch_size: 14,
    rope_parameters: { rope_theta: 5000.0, rope_type: 'axial' },
    spatial_merge_size: 2,
    temporal_patch_size: 2,
  },
  vision_end_token_id: 73,
  vision_start_token_id: 72,
};

it('reads the flat layout', async () => {
  expect(await read(FLAT)).toEqual({
    modelType: 'qwen2_vl',
    text: {
      vocabSize: 151936,
      hiddenSize: 1536,
      intermediateSize: 8960,
      numLayers: 28,
      numHeads: 12,
      numKeyValueHeads: 2,
      headDim: 128,
      qkNorm: false,
      rmsNormEps: 1e-6,
      ropeTheta: 1e6,
      attentionBias: true,
      ropeAxes: [...Array(16).fill(0), ...Array(24).fill(1), ...Array(24).fill(2)],
    },
    vision: {
      depth: 32,
      embedDim: 1280,
      numHeads: 16,
      mlpRatio: 4,
      inChannels: 3,
      patchSize: 14,
      temporalPatchSize: 2,
      spatialMergeSize: 2,
      hiddenSize: 1536,
      ropeTheta: 10000,
    },
    tieWordEmbeddings: true,
    imageTokenId: 151655,
    videoTokenId: 151656,
    visionStartTokenId: 151652,
    visionEndTokenId: 151653,
  });
});

it('reads the nested layout', async () => {
  expect(await read(NESTED)).toMatchObject({
    text: { hiddenSize: 32, headDim: 8, ropeTheta: 10000, ropeAxes: [0, 1, 2, 2] },
    vision: { ropeTheta: 5000, mlpRatio: 2 },
    tieWordEmbeddings: false,
    imageTokenId: 70,
    videoTokenId: 71,
    visionStartTokenId: 72,
    visionEndTokenId: 73,
  });
});

it('takes tied embeddings from text_config too, and as many key heads as heads where they are null', async () => {
  const { tie_word_embeddings: _, ...rest } = NESTED;
  const text_config = { ...NESTED.text_config, tie_word_embeddings: true, num_key_value_heads: null };
  expect(await read({ ...rest, text_config })).toMatchObject({
    tieWordEmbeddings: true,
    text: { numKeyValueHeads: 4 },
  });
});

describe('refuses', () => {
  const { mrope_section: _, ...withoutSection } = NESTED.text_config.rope_parameters;
  const nested = (changes: object) => ({ ...NESTED, text_config: { ...NESTED.text_config, ...changes } });
  it.each<[string, unknown, RegExp]>([
    [
      'a missing and a wrong entry, both named',
      { ...FLAT, hidden_size: undefined, num_hidden_layers: '28' },
      /hidden_size.*num_hidden_layers/s,
    ],
    ['a wrong entry of text_config', nested({ vocab_size: 0 }), /text_config\.vocab_size/],
    ['no vision tower', { ...FLAT, vision_config: undefined }, /vision_config/],
    ['no M-RoPE', { ...FLAT, rope_scaling: undefined }, /rope_scaling: is missing/],
    ['no sections', nested({ rope_parameters: withoutSection }), /mrope_section/],
    ['YaRN', { ...FLAT, rope_scaling: { type: 'yarn', mrope_section: [16, 24, 24] } }, /only plain M-RoPE/],
    ['sliding windows', { ...FLAT, use_sliding_window: true }, /sliding-window attention is not supported/],
    ['another activation', { ...FLAT, hidden_act: 'gelu' }, /hidden_act/],
    ['heads that do not divide', nested({ num_attention_heads: 3 }), /32 is no multiple of num_attention_heads 3/],
    ['key heads that do not divide', nested({ num_key_value_heads: 3 }), /4 is no multiple of num_key_value_heads 3/],
    [
      'sections of another size',
      nested({ rope_parameters: { mrope_section: [1, 1, 1] } }),
      /adds up to 3; half a head is 4/,
    ],
    [
      'a tower of another width',
      { ...FLAT, vision_config: { ...FLAT.vision_config, hidden_size: 8 } },
      /gives 8 .* takes 1536/,
    ],
    [
      'a tower without room for its axes',
      { ...FLAT, vision_config: { ...FLAT.vision_config, num_heads: 7 } },
      /embed_dim 1280 is no multiple of 4 · num_heads 7/,
    ],
    ['layers without end', { ...FLAT, num_hidden_layers: 1e9 }, /num_hidden_layers: .*<=1024/],
    [
      'a tower without end',
      { ...FLAT, vision_config: { ...FLAT.vision_config, depth: 1e6, patch_size: 1e5 } },
      /vision_config\.depth: .*<=1024.*vision_config\.patch_size: .*<=1024/s,
    ],
    ['a vocabulary without end', { ...FLAT, vocab_size: 2 ** 40 }, /vocab_size: .*<=16777216/],
    ['numbers that no model has', { ...FLAT, rms_norm_eps: 3, rope_theta: 1e-9 }, /rms_norm_eps.*rope_theta/s],
    ['sliding layers', nested({ layer_types: ['sliding_attention'] }), /layer_types\.0: only full attention/],
    ['cut-off JSON', JSON.stringify(FLAT).slice(0, 99), /config\.json is not valid JSON/],
  ])('%s', async (_, json, message) => {
    await expect(read(json)).rejects.toMatchObject({ name: 'ModelError', code: 'MODEL_FILE_INVALID' });
    await expect(read(json)).rejects.toThrow(message);
    await expect(read(json)).rejects.toThrow(path.join(folder, 'config.json'));
  });

  it.each([
    ['GPTQ', { quantization_config: { quant_method: 'gptq', bits: 4 } }, 'gptq'],
    ['compressed tensors', { compression_config: { quant_method: 'compressed-tensors' } }, 'compressed-tensors'],
    ['bitsandbytes', { text_config: { quantization_config: { load_in_4bit: true } } }, 'no quant_method given'],
  ])('weights that are quantized: %s', async (_, changes, method) => {
    await expect(read({ ...FLAT, ...changes })).rejects.toMatchObject({
      code: 'WEIGHTS_QUANTIZED',
      message: expect.stringContaining(`config.json: by its quantization_config (${method}) the weights are quantized`),
    });
  });

  it('another family, by name', async () => {
    await expect(read({ ...FLAT, model_type: 'internvl_chat' })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/config\.json: model_type internvl_chat is not supported yet; .* qwen2_vl/),
    });
  });

  it('a folder without config.json', async () => {
    await expect(readModelConfig(folder)).rejects.toMatchObject({
      code: 'MODEL_FILE_MISSING',
      message: expect.stringMatching(/config\.json is missing: give a model folder in Hugging Face layout/),
    });
  });
});

/** The entries of Qwen2.5-VL-3B-Instruct, as published (transformers 4.49). */
const QWEN25 = {
  ...FLAT,
  model_type: 'qwen2_5_vl',
  hidden_size: 2048,
  intermediate_size: 11008,
  num_attention_heads: 16,
  num_hidden_layers: 36,
  vision_config: {
    depth: 32,
    hidden_act: 'silu',
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    in_chans: 3,
    out_hidden_size: 2048,
    patch_size: 14,
    spatial_merge_size: 2,
    spatial_patch_size: 14,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
    tokens_per_second: 2,
    temporal_patch_size: 2,
  },
};

/** Those of Qwen3-VL-2B-Instruct, as published (transformers 4.57). */
const QWEN3 = {
  architectures: ['Qwen3VLForConditionalGeneration'],
  image_token_id: 151655,
  model_type: 'qwen3_vl',
  text_config: {
    attention_bias: false,
    attention_dropout: 0.0,
    head_dim: 128,
    hidden_act: 'silu',
    hidden_size: 2048,
    intermediate_size: 6144,
    max_position_embeddings: 262144,
    model_type: 'qwen3_vl_text',
    num_attention_heads: 16,
    num_hidden_layers: 28,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: 'default' },
    rope_theta: 5000000,
    tie_word_embeddings: true,
    vocab_size: 151936,
  },
  tie_word_embeddings: true,
  video_token_id: 151656,
  vision_config: {
    deepstack_visual_indexes: [5, 11, 17],
    depth: 24,
    hidden_act: 'gelu_pytorch_tanh',
    hidden_size: 1024,
    in_channels: 3,
    intermediate_size: 4096,
    model_type: 'qwen3_vl',
    num_heads: 16,
    num_position_embeddings: 2304,
    out_hidden_size: 2048,
    patch_size: 16,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
  },
  vision_end_token_id: 151653,
  vision_start_token_id: 151652,
};

it('reads Qwen2.5-VL', async () => {
  expect(await read(QWEN25)).toMatchObject({
    modelType: 'qwen2_5_vl',
    text: { headDim: 128, attentionBias: true, qkNorm: false },
    vision: { windowCells: 4, fullBlocks: [7, 15, 23, 31], tokensPerSecond: 2, outHiddenSize: 2048 },
  });
});

it('reads Qwen3-VL, whose frequencies take turns', async () => {
  const config = await read(QWEN3);
  expect(config).toMatchObject({
    modelType: 'qwen3_vl',
    text: { headDim: 128, attentionBias: false, qkNorm: true, ropeTheta: 5e6 },
    vision: { positionsSide: 48, deepBlocks: [5, 11, 17], patchSize: 16 },
    tieWordEmbeddings: true,
  });
  const { ropeAxes } = config.text;
  expect(ropeAxes.slice(0, 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  expect(ropeAxes.slice(57)).toEqual([0, 1, 2, 0, 0, 0, 0]);
  expect([0, 1, 2].map((axis) => ropeAxes.filter((one) => one === axis).length)).toEqual([24, 20, 20]);
});

describe('refuses in the later families', () => {
  const vision = (of: { vision_config: object }, changes: object) => ({
    ...of,
    vision_config: { ...of.vision_config, ...changes },
  });
  it.each([
    ['a window smaller than a cell', vision(QWEN25, { window_size: 27 }), 'window_size 27 is less than a cell'],
    ['another activation', vision(QWEN25, { hidden_act: 'gelu' }), 'vision_config.hidden_act'],
    [
      'a block that is not there',
      vision(QWEN3, { deepstack_visual_indexes: [5, 24] }),
      'must be different blocks of 24',
    ],
    ['a block twice', vision(QWEN3, { deepstack_visual_indexes: [5, 5] }), 'must be different blocks of 24'],
    [
      'a table that is no square',
      vision(QWEN3, { num_position_embeddings: 2300 }),
      'num_position_embeddings is no square',
    ],
    ['a tower of another width', vision(QWEN3, { out_hidden_size: 1024 }), 'the decoder takes 2048'],
    [
      'frequencies in sections',
      {
        ...QWEN3,
        text_config: { ...QWEN3.text_config, rope_scaling: { mrope_interleaved: false, mrope_section: [24, 20, 20] } },
      },
      'mrope_interleaved is false',
    ],
    ['biases', { ...QWEN3, text_config: { ...QWEN3.text_config, attention_bias: true } }, 'text_config.attention_bias'],
  ])('%s', async (_, json, message) => {
    await expect(read(json)).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
