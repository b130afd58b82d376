import { decoderShapes, type ShapeEntries } from '../../shapes.js';
import type { Qwen2VLConfig, VisionConfig } from './config.js';

export const weightShapes = (config: Qwen2VLConfig): Map<string, number[]> =>
  new Map([...visionShapes(config.vision), ...decoderShapes(config)]);

function visionShapes(config: VisionConfig): ShapeEntries {
  const { depth, embedDim, mlpRatio, inChannels, patchSize, temporalPatchSize, spatialMergeSize, hiddenSize } = config;
  const inner = Math.floor(embedDim * mlpRatio);
  const merged = embedDim * spatialMergeSize ** 2;
  const pair = (layer: string, shape: number[]): ShapeEntries => [
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
