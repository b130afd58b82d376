import { decoderShapes, linearShapes, type ShapeEntries } from '../../shapes.js';
import type { Qwen25VLConfig, VisionConfig } from './config.js';

export const weightShapes = (config: Qwen25VLConfig): Map<string, number[]> =>
  new Map([...visionShapes(config.vision), ...decoderShapes(config)]);

function visionShapes(config: VisionConfig): ShapeEntries {
  const { depth, embedDim, intermediateSize, inChannels, patchSize, temporalPatchSize, spatialMergeSize } = config;
  const merged = embedDim * spatialMergeSize ** 2;
  const blocks = Array.from({ length: depth }, (_, i): ShapeEntries => {
    const block = `visual.blocks.${i}`;
    return [
      [`${block}.norm1.weight`, [embedDim]],
      ...linearShapes(`${block}.attn.qkv`, 3 * embedDim, embedDim),
      ...linearShapes(`${block}.attn.proj`, embedDim, embedDim),
      [`${block}.norm2.weight`, [embedDim]],
      ...linearShapes(`${block}.mlp.gate_proj`, intermediateSize, embedDim),
      ...linearShapes(`${block}.mlp.up_proj`, intermediateSize, embedDim),
      ...linearShapes(`${block}.mlp.down_proj`, embedDim, intermediateSize),
    ];
  });
  return [
    ['visual.patch_embed.proj.weight', [embedDim, inChannels, temporalPatchSize, patchSize, patchSize]],
    ...blocks.flat(),
    ['visual.merger.ln_q.weight', [embedDim]],
    ...linearShapes('visual.merger.mlp.0', merged, merged),
    ...linearShapes('visual.merger.mlp.2', config.outHiddenSize, merged),
  ];
}
