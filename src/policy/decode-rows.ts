import { concat, reshape } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { attendCompletions, fromHeads, type KeyValue, toHeads } from './attention.js';
import { finishLayer, normedInput, project } from './decoder-layer.js';
import { embedTokens } from './embedding.js';
import type { ModelConfig } from './files/model-config.js';
import { paddingMask, rotaryOf } from './geometry.js';
import type { Parameters } from './parameters.js';

/**
 * The decoder on one more token of each completion, with the keys and values of all tokens before it.
 *
 * @param tokens `[B · G]`, completion g of prompt b in row b · G + g
 * @param positions the same on all three axes, `[B · G]`
 * @param prompts keys and values of the prompts by layer, `[B · KV, P, D]`
 * @param own those of the completions by layer, `[B · KV · G, T, D]`; empty before the first token
 * @returns the last layer's output `[B · G, hidden]`, and `own` with T + 1 tokens (the old one stays the caller's)
 */
export function decodeRows(args: {
  parameters: Parameters;
  config: ModelConfig;
  tokens: Int32Array;
  positions: number[];
  B: number;
  prompts: KeyValue[];
  promptLengths: number[];
  own: KeyValue[];
}): { hidden: Tensor; own: KeyValue[] } {
  const { parameters, tokens, positions, B, prompts, promptLengths } = args;
  const { type } = parameters;
  const config = args.config.text;
  const { numKeyValueHeads: KV, headDim: D } = config;
  const R = config.numHeads / KV;
  const G = tokens.length / B;
  return scope(() => {
    const rotary = rotaryOf({ positions: Int32Array.from([...positions, ...positions, ...positions]), config });
    const P = prompts[0]!.k.shape[1]!;
    const isPadded = promptLengths.some((length) => length < P);
    const padding = isPadded ? paddingMask({ lengths: promptLengths, P, KV }) : undefined;
    const own: KeyValue[] = [];
    let x = embedTokens(parameters, tokens);
    for (let index = 0; index < config.numLayers; index++) {
      const layer = scope(() => {
        const { normed } = normedInput({ parameters, config, index, x });
        const { q, k, v } = project({ parameters, config, index, normed, rotary });
        const append = (before: Tensor | undefined, now: Tensor) => {
          const heads = reshape(toHeads({ x: now, B, KV, type }), [B * KV * G, 1, D]);
          return before === undefined ? heads : concat([before, heads], 1);
        };
        const cache = { k: append(args.own[index]?.k, k), v: append(args.own[index]?.v, v) };
        const queries = reshape(toHeads({ x: q, B, KV, type }), [B * KV, G * R, D]);
        const y = attendCompletions(queries, { prompt: prompts[index]!, own: cache, padding }, type);
        const attended = fromHeads({ x: reshape(y, [B * KV, G, R * D]), B });
        return { cache, y: finishLayer({ parameters, config, index, x, attended }).y };
      });
      own.push(layer.cache);
      x = layer.y;
    }
    return { hidden: x, own };
  });
}
