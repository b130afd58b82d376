import { z } from 'zod';
import type { VisionConfig as CommonVision, ModelConfig } from '../../../model-folder/model-config.js';
import {
  commonRoot,
  edge,
  inEitherLayout,
  layerList,
  rootEntries,
  size,
  textContradictions,
  textEntries,
  visionContradictions,
  visionEntries,
} from '../config-parts.js';
import { qwen2Text } from '../qwen2-text.js';

/** The vision tower. */
export interface VisionConfig extends CommonVision {
  depth: number;
  embedDim: number;
  /** Width of a block's MLP. */
  intermediateSize: number;
  numHeads: number;
  inChannels: number;
  /** Width of the merger's output: the decoder's `hiddenSize`. */
  outHiddenSize: number;
  /** Side of a window in cells of merged patches. */
  windowCells: number;
  /** Blocks that attend within whole slices. */
  fullBlocks: readonly number[];
  /** Positions on the time axis for a second of video. */
  tokensPerSecond: number;
  ropeTheta: number;
}

export interface Qwen25VLConfig extends ModelConfig {
  vision: VisionConfig;
}

const vision = z.object({
  ...visionEntries,
  hidden_size: size,
  intermediate_size: size,
  out_hidden_size: size,
  hidden_act: z.literal('silu').default('silu'),
  patch_size: edge.default(14),
  window_size: size.default(112),
  fullatt_block_indexes: layerList.default([7, 15, 23, 31]),
  tokens_per_second: z.number().positive().max(1000).default(4),
});

/** `config.json` of Qwen2.5-VL. */
export const qwen25VLSchema: z.ZodType<Qwen25VLConfig> = inEitherLayout({
  root: z.object({ ...rootEntries, vision_config: vision }),
  text: z.object(textEntries),
  assemble: (json, textJson, context) => {
    const { text, section } = qwen2Text(textJson, context);
    const config = {
      modelType: 'qwen2_5_vl',
      ...commonRoot(json, textJson),
      text,
      vision: visionConfig(json.vision_config),
    };
    const { embedDim: width, numHeads: heads, outHiddenSize: out, windowCells, patchSize } = config.vision;
    const found = [
      ...textContradictions(text, section),
      ...visionContradictions({ entry: 'hidden_size', width, heads, out, hiddenSize: text.hiddenSize }),
    ];
    if (windowCells < 1)
      found.push(`window_size ${json.vision_config.window_size} is less than a cell of patches of ${patchSize} pixels`);
    for (const message of found) context.addIssue({ code: 'custom', message });
    return config;
  },
});

const visionConfig = (json: z.infer<typeof vision>): VisionConfig => ({
  depth: json.depth,
  embedDim: json.hidden_size,
  intermediateSize: json.intermediate_size,
  numHeads: json.num_heads,
  inChannels: json.in_channels,
  patchSize: json.patch_size,
  temporalPatchSize: json.temporal_patch_size,
  spatialMergeSize: json.spatial_merge_size,
  outHiddenSize: json.out_hidden_size,
  windowCells: Math.floor(Math.floor(json.window_size / json.spatial_merge_size) / json.patch_size),
  fullBlocks: json.fullatt_block_indexes,
  tokensPerSecond: json.tokens_per_second,
  ropeTheta: json.rope_parameters?.rope_theta ?? 10_000,
});
