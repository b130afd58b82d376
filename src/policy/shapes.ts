import type { ModelConfig, TextConfig, VisionConfig } from '../model-folder/model-config.js';

/** Every weight of a Qwen2-VL model with its shape, in the published checkpoints' names and the order of the forward. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  const { text, vision, tieWordEmbeddings } = config;
  const entries: [string, number[]][] = [
    ...visionShapes(vision),
    ['model.embed_tokens.weight', [text.vocabSize, text.hiddenSize]],
    ...Array.from({ length: text.numLayers }, (_, i) => layerShapes(text, `model.layers.${i}`)).flat(),
    ['model.norm.weight', [text.hiddenSize]],
  ];
  if (!tieWordEmbeddings) entries.push(['lm_head.weight', [text.vocabSize, text.hiddenSize]]);
  return new Map(entries);
}

export const isVision = (name: string): boolean => name.startsWith('visual.');

function layerShapes(config: TextConfig, layer: string): [string, number[]][] {
  const { hiddenSize, intermediateSize, numHeads, numKeyValueHeads, headDim } = config;
  const q = numHeads * headDim;
  const kv = numKeyValueHeads * headDim;
  return [
    [`${layer}.input_layernorm.weight`, [hiddenSize]],
    [`${layer}.self_attn.q_proj.weight`, [q, hiddenSize]],
    [`${layer}.self_attn.q_proj.bias`, [q]],
    [`${layer}.self_attn.k_proj.weight`, [kv, hiddenSize]],
    [`${layer}.self_attn.k_proj.bias`, [kv]],
    [`${layer}.self_attn.v_proj.weight`, [kv, hiddenSize]],
    [`${layer}.self_attn.v_proj.bias`, [kv]],
    [`${layer}.self_attn.o_proj.weight`, [hiddenSize, q]],
    [`${layer}.post_attention_layernorm.weight`, [hiddenSize]],
    [`${layer}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]],
    [`${layer}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]],
  ];
}

function visionShapes(config: VisionConfig): [string, number[]][] {
  const { depth, embedDim, mlpRatio, inChannels, patchSize, temporalPatchSize, spatialMergeSize, hiddenSize } = config;
  const inner = Math.floor(embedDim * mlpRatio);
  const merged = embedDim * spatialMergeSize ** 2;
  const pair = (layer: string, shape: number[]): [string, number[]][] => [
    [`${layer}.weight`, shape],
    [`${layer}.bias`, [shape[0]!]],
  ];
  const blocks = Array.from({ length: depth }, (_, i) => [
    ...pair(`visual.blocks.${i}.norm1`, [embedDim]),
    ...pair(`visual.blocks.${i}.attn.qkv`, [3 * embedDim, embedDim]),
    ...pair(`visual.blocks.${i}.attn.proj`, [embedDim, embedDim]),
    ...pair(`visual.blocks.${i}.norm2`, [embedDim]),
    ...pair(`visual.blocks.${i}.mlp.fc1`, [inner, embedDim]),
    ...pair(`visual.blocks.${i}.mlp.fc2`, [embedDim, inner]),
  ]);
  return [
    ['visual.patch_embed.proj.weight', [embedDim, inChannels, temporalPatchSize, patchSize, patchSize]],
    ...blocks.flat(),
    ...pair('visual.merger.ln_q', [embedDim]),
    ...pair('visual.merger.mlp.0', [merged, merged]),
    ...pair('visual.merger.mlp.2', [hiddenSize, merged]),
  ];
}

/** A weight as it is multiplied with: the patch embedding's convolution is a matrix over flattened patches. */
export const deviceShape = (shape: readonly number[]): number[] =>
  shape.length <= 2 ? [...shape] : [shape[0]!, shape.slice(1).reduce((product, d) => product * d, 1)];
