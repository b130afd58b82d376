import type { ModelConfig, TextConfig } from '../model-folder/model-config.js';
import type { Grid } from '../prompt/patches.js';
import { weightShapes } from './families/named.js';

/** A prompt of P tokens, and G completions of C tokens that share it. */
interface SharedPrefix {
  P: number;
  G: number;
  C: number;
}

/**
 * Floating-point operations in the matrix products of a decoder's forward over a prompt, once, and its completions;
 * attention counts the pairs that a causal mask leaves. Adapters are not counted.
 */
export function decoderForward(text: TextConfig, { P, G, C }: SharedPrefix): number {
  const { numHeads, headDim, numLayers, vocabSize, hiddenSize } = text;
  const pairs = P ** 2 / 2 + G * (C * P + C ** 2 / 2);
  return (
    2 *
    (decoderWeights(text) * (P + G * C) + numLayers * 2 * numHeads * headDim * pairs + vocabSize * hiddenSize * G * C)
  );
}

/** Numbers in the matrices of a decoder's layers. */
export function decoderWeights(text: TextConfig): number {
  const { hiddenSize, numHeads, numKeyValueHeads, headDim, intermediateSize, numLayers } = text;
  const projections = hiddenSize * headDim * 2 * (numHeads + numKeyValueHeads);
  return numLayers * (projections + 3 * hiddenSize * intermediateSize);
}

/** What the towers of all families say of themselves, and the windows of one. */
interface TowerConfig {
  depth: number;
  embedDim: number;
  windowCells?: number;
  fullBlocks?: readonly number[];
}

/** The same of a vision tower over a video or a picture. @param grid in patches */
export function towerForward(config: ModelConfig, [slices, height, width]: Grid): number {
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
