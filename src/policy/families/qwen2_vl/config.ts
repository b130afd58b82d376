import { z } from 'zod';
import type { VisionConfig as CommonVision, ModelConfig } from '../../../model-folder/model-config.js';
import {
  commonRoot,
  edge,
  inEitherLayout,
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

const vision = z.object({
  ...visionEntries,
  embed_dim: size,
  hidden_size: size,
  mlp_ratio: z.number().positive().max(1024).default(4),
  hidden_act: z.literal('quick_gelu').default('quick_gelu'),
  patch_size: edge.default(14),
});

/** `config.json` of Qwen2-VL. */
export const qwen2VLSchema: z.ZodType<Qwen2VLConfig> = inEitherLayout({
  root: z.object({ ...rootEntries, vision_config: vision }),
  text: z.object(textEntries),
  assemble: (json, textJson, context) => {
    const { text, section } = qwen2Text(textJson, context);
    const config = {
      modelType: 'qwen2_vl',
      ...commonRoot(json, textJson),
      text,
      vision: visionConfig(json.vision_config),
    };
    const { embedDim: width, numHeads: heads, hiddenSize: out } = config.vision;
    for (const message of [
      ...textContradictions(text, section),
      ...visionContradictions({ entry: 'embed_dim', width, heads, out, hiddenSize: text.hiddenSize }),
    ])
      context.addIssue({ code: 'custom', message });
    return config;
  },
});

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
