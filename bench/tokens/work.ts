import type { ModelConfig } from '../../src/model-folder/model-config.js';
import { weightShapes } from '../../src/policy/families/named.js';
import type { Setting } from '../contenders.js';

/**
 * What one more token of each completion takes, halfway through the completions: floating-point operations, and the bytes
 * that have to be read once: the decoder's weights and the head's, the prompt's keys and values, and each completion's own.
 */
export function tokenWork(args: { config: ModelConfig; setting: Setting; dtype: string }): {
  flops: number;
  bytes: number;
} {
  const { config, setting, dtype } = args;
  const { prompt: P, generations: G, completion: C } = setting;
  const { numLayers, numHeads, numKeyValueHeads, headDim, vocabSize, hiddenSize } = config.text;
  const layers = [...weightShapes(config)].filter(([name]) => name.startsWith('model.layers.'));
  const weights = layers.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), vocabSize * hiddenSize);
  const keysAndValues = 2 * numLayers * numKeyValueHeads * headDim * (P + (G * C) / 2);
  const attention = 2 * numLayers * numHeads * headDim * G * (P + C / 2);
  return { flops: 2 * (G * weights + attention), bytes: (weights + keysAndValues) * (dtype === 'float32' ? 4 : 2) };
}
