import { decoderShapes, linearShapes, type ShapeEntries } from '../../shapes.js';
import type { Merger } from '../../vision/merger.js';
import type { Qwen3VLConfig, VisionConfig } from './config.js';
import { deepMerger, MERGER, POSITIONS } from './names.js';

export const weightShapes = (config: Qwen3VLConfig): Map<string, number[]> =>
  new Map([...visionShapes(config.vision), ...decoderShapes(config)]);

function visionShapes(config: VisionConfig): ShapeEntries {
  const { depth, embedDim, intermediateSize, inChannels, patchSize, temporalPatchSize, deepBlocks } = config;
  const blocks = Array.from({ length: depth }, (_, i): ShapeEntries => {
    const block = `visual.blocks.${i}`;
    return [
      ...normShapes(`${block}.norm1`, embedDim),
      ...linearShapes(`${block}.attn.qkv`, 3 * embedDim, embedDim),
      ...linearShapes(`${block}.attn.proj`, embedDim, embedDim),
      ...normShapes(`${block}.norm2`, embedDim),
      ...linearShapes(`${block}.mlp.linear_fc1`, intermediateSize, embedDim),
      ...linearShapes(`${block}.mlp.linear_fc2`, embedDim, intermediateSize),
    ];
  });
  return [
    ['visual.patch_embed.proj.weight', [embedDim, inChannels, temporalPatchSize, patchSize, patchSize]],
    ['visual.patch_embed.proj.bias', [embedDim]],
    [POSITIONS, [config.positionsSide ** 2, embedDim]],
    ...blocks.flat(),
    ...mergerShapes(MERGER, config),
    ...deepBlocks.flatMap((_, i) => mergerShapes(deepMerger(i), config)),
  ];
}

function mergerShapes(merger: Merger, { embedDim, spatialMergeSize, outHiddenSize }: VisionConfig): ShapeEntries {
  const merged = embedDim * spatialMergeSize ** 2;
  return [
    ...normShapes(merger.norm, merger.normsJoined ? merged : embedDim),
    ...linearShapes(merger.first, merged, merged),
    ...linearShapes(merger.second, outHiddenSize, merged),
  ];
}

const normShapes = (layer: string, width: number): ShapeEntries => [
  [`${layer}.weight`, [width]],
  [`${layer}.bias`, [width]],
];
