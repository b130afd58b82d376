import type { ModelConfig, TextConfig } from '../src/model-folder/model-config.js';
import type { Qwen2VLConfig } from '../src/policy/families/qwen2_vl/config.js';
import type { Setting } from './contenders.js';
import { videoSize } from './prompt.js';

/**
 * Floating-point operations in the matrix products of a GRPO step that computes prompt and video once: rollout and
 * reference a forward each, policy a forward and a backward of twice that; with adapters, a backward of once that, and
 * the frozen tower once. It is the work that has to be done, so that the same number over each contender's seconds is
 * what its machine time was worth. Attention counts the pairs that a causal mask leaves; adapters are not counted.
 */
export function stepFlops(args: { config: ModelConfig; setting: Setting; trainsAll: boolean }): number {
  const { config, setting, trainsAll } = args;
  const { grid } = videoSize(setting.prompt);
  const decoder = decoderForward(config.text, setting);
  const tower = towerForward(config as Qwen2VLConfig, grid);
  return trainsAll ? 5 * (decoder + tower) : 4 * decoder + tower;
}

function decoderForward(text: TextConfig, { prompt: P, generations: G, completion: C }: Setting): number {
  const { hiddenSize, numHeads, numKeyValueHeads, headDim, intermediateSize, numLayers, vocabSize } = text;
  const queries = numHeads * headDim;
  const projections = hiddenSize * (2 * queries + 2 * numKeyValueHeads * headDim);
  const weights = numLayers * (projections + 3 * hiddenSize * intermediateSize);
  const pairs = P ** 2 / 2 + G * (C * P + C ** 2 / 2);
  return 2 * (weights * (P + G * C) + numLayers * 2 * queries * pairs + vocabSize * hiddenSize * G * C);
}

/** Of Qwen2-VL. */
function towerForward({ vision }: Qwen2VLConfig, [slices, height, width]: [number, number, number]): number {
  const { depth, embedDim, mlpRatio, inChannels, temporalPatchSize, patchSize, spatialMergeSize, hiddenSize } = vision;
  const patches = slices * height * width;
  const pixels = inChannels * temporalPatchSize * patchSize ** 2;
  const blocks = depth * (4 * embedDim ** 2 + 2 * mlpRatio * embedDim ** 2);
  const attention = depth * 2 * embedDim * height * width; // full, within a slice
  const merged = embedDim * spatialMergeSize ** 2;
  const merger = (merged * (merged + hiddenSize)) / spatialMergeSize ** 2;
  return 2 * patches * (pixels * embedDim + blocks + attention + merger);
}
