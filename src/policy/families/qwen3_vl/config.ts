import { z } from 'zod';
import type { VisionConfig as CommonVision, ModelConfig } from '../../../model-folder/model-config.js';
import {
  commonRoot,
  commonText,
  edge,
  inEitherLayout,
  layerList,
  rootEntries,
  ropeOf,
  size,
  textContradictions,
  textEntries,
  visionContradictions,
  visionEntries,
} from '../config-parts.js';
import { interleavedAxes } from '../rope-axes.js';

/** The vision tower. */
export interface VisionConfig extends CommonVision {
  depth: number;
  embedDim: number;
  /** Width of a block's MLP. */
  intermediateSize: number;
  numHeads: number;
  inChannels: number;
  /** Width of the mergers' output: the decoder's `hiddenSize`. */
  outHiddenSize: number;
  /** Side of the square table of learned positions. */
  positionsSide: number;
  /** Blocks after which something is merged for the decoder's first layers. */
  deepBlocks: readonly number[];
  ropeTheta: number;
}

export interface Qwen3VLConfig extends ModelConfig {
  vision: VisionConfig;
}

/** Defaults of transformers. */
const ROPE = { theta: 500_000, section: [24, 20, 20] } as const;

const text = z.object({
  ...textEntries,
  head_dim: size.default(128),
  attention_bias: z.literal(false, 'biases of the attention are not supported').default(false),
  rms_norm_eps: z.number().positive().max(0.1).default(1e-6),
});

const vision = z.object({
  ...visionEntries,
  hidden_size: size,
  intermediate_size: size,
  out_hidden_size: size,
  hidden_act: z.literal('gelu_pytorch_tanh').default('gelu_pytorch_tanh'),
  patch_size: edge.default(16),
  num_position_embeddings: size.default(2304),
  deepstack_visual_indexes: layerList.default([8, 16, 24]),
});

/** `config.json` of Qwen3-VL, its dense models. */
export const qwen3VLSchema: z.ZodType<Qwen3VLConfig> = inEitherLayout({
  root: z.object({ ...rootEntries, vision_config: vision }),
  text,
  assemble: (json, textJson, context) => {
    const { theta, section, interleaved } = ropeOf(textJson, ROPE);
    const config = {
      modelType: 'qwen3_vl',
      ...commonRoot(json, textJson),
      text: {
        ...commonText(textJson),
        headDim: textJson.head_dim,
        attentionBias: false,
        qkNorm: true,
        ropeTheta: theta,
        ropeAxes: interleavedAxes(section),
      },
      vision: visionConfig(json.vision_config),
    };
    const { embedDim: width, numHeads: heads, outHiddenSize: out } = config.vision;
    const found = [
      ...textContradictions(config.text, section),
      ...visionContradictions({ entry: 'hidden_size', width, heads, out, hiddenSize: config.text.hiddenSize }),
      ...deepContradictions(config.vision),
    ];
    if (interleaved === false) found.push('mrope_interleaved is false, which no model of this type was trained with');
    for (const message of found) context.addIssue({ code: 'custom', message });
    return config;
  },
});

function deepContradictions({ deepBlocks, depth, positionsSide }: VisionConfig): string[] {
  const found: string[] = [];
  if (deepBlocks.some((block) => block >= depth) || new Set(deepBlocks).size < deepBlocks.length)
    found.push(`deepstack_visual_indexes [${deepBlocks.join(', ')}] must be different blocks of ${depth}`);
  if (positionsSide < 1) found.push('num_position_embeddings is no square');
  return found;
}

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
  positionsSide: Number.isInteger(Math.sqrt(json.num_position_embeddings))
    ? Math.sqrt(json.num_position_embeddings)
    : 0,
  deepBlocks: json.deepstack_visual_indexes,
  ropeTheta: json.rope_parameters?.rope_theta ?? 10_000,
});
