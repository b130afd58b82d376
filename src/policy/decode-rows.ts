import type { KeyValue, PromptCache } from '../tensor/kernels.js';
import { activeBackend } from '../tensor/runtime.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { finishLayer, normedInput, project, projectionBiases } from './decoder-layer.js';
import { embedTokens } from './embedding.js';
import type { ModelConfig } from './files/model-config.js';
import { rotaryOf } from './geometry.js';
import type { Parameters } from './parameters.js';

/**
 * The decoder on token t of each completion, with the keys and values of all tokens before it.
 *
 * @param tokens `[B · G]`, completion g of prompt b in row b · G + g
 * @param positions the same on all three axes, `[B · G]`
 * @param prompts keys and values of the prompts by layer
 * @param own those of the completions by layer; empty for t = 0. Given up: what is returned takes their place
 * @returns the last layer's output `[B · G, hidden]`, and `own` with the token in it
 */
export function decodeRows(args: {
  parameters: Parameters;
  config: ModelConfig;
  tokens: Int32Array;
  positions: number[];
  prompts: PromptCache[];
  promptLengths: number[];
  own: KeyValue[];
  t: number;
}): { hidden: Tensor; own: KeyValue[] } {
  const { parameters, tokens, positions, prompts, promptLengths, t } = args;
  const config = args.config.text;
  const { numKeyValueHeads: KV, headDim: D } = config;
  const R = config.numHeads / KV;
  const G = tokens.length / promptLengths.length;
  return scope(() => {
    const rotary = rotaryOf({ positions: Int32Array.from([...positions, ...positions, ...positions]), config });
    const own: KeyValue[] = [];
    let x = embedTokens(parameters, tokens);
    for (let index = 0; index < config.numLayers; index++) {
      const layer = scope(() => {
        const { normed } = normedInput({ parameters, config, index, x });
        const { y: attended, own: cache } = activeBackend().kernels.decodeAttention({
          ...project({ parameters, index, normed }),
          biases: projectionBiases(parameters, index),
          rotary,
          scale: D ** -0.5,
          prompt: prompts[index]!,
          promptLengths,
          own: args.own[index],
          ...{ KV, R, G, t },
        });
        return { cache, y: finishLayer({ parameters, config, index, x, attended }).y };
      });
      own.push(layer.cache);
      x = layer.y;
    }
    return { hidden: x, own };
  });
}
