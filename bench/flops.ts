import type { ModelConfig, TextConfig } from '../src/model-folder/model-config.js';
import { weightShapes } from '../src/policy/families/named.js';
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
  const tower = towerForward(config, grid);
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

/** What the towers of all families say of themselves, and the windows of one. */
interface TowerConfig {
  depth: number;
  embedDim: number;
  windowCells?: number;
  fullBlocks?: readonly number[];
}

function towerForward(config: ModelConfig, [slices, height, width]: [number, number, number]): number {
  const { spatialMergeSize } = config.vision;
  const { depth, embedDim, windowCells, fullBlocks } = config.vision as unknown as TowerConfig;
  const patches = slices * height * width;
  const weights = [...weightShapes(config)].reduce((sum, [name, shape]) => {
    // Norms and biases multiply nothing, and of the table of positions rows are taken.
    if (!name.startsWith('visual.') || shape.length < 2 || name.includes('pos_embed')) return sum;
    const rows = name.includes('merger') ? patches / spatialMergeSize ** 2 : patches;
    return sum + rows * shape.reduce((a, b) => a * b);
  }, 0);
  const full = fullBlocks?.length ?? depth;
  const inWindow = Math.min((windowCells ?? 0) * spatialMergeSize, height) ** 2;
  const pairs = patches * (full * height * width + (depth - full) * inWindow);
  return 2 * (weights + 2 * embedDim * pairs);
}
