import type { ModelConfig } from '../model-folder/model-config.js';
import { activeBackend } from '../tensor/active.js';
import { fused } from '../tensor/fused.js';
import type { DecodeContext, KeyValue, PromptCache } from '../tensor/kernels.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { finishLayer, type LayerInput, normedInput, project, projectionBiases } from './decoder-layer.js';
import { embedTokens } from './embedding.js';
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
  const { kernels } = activeBackend();
  const isPlain = !parameters.hasAdaptersIn('model.layers.');
  const isFused = kernels.decodeLayer !== null && tokens.length <= kernels.fewRows && isPlain;
  const decodeLayer = isFused ? fusedLayer : composedLayer;
  return scope(() => {
    const rotary = rotaryOf({ positions: Int32Array.from([...positions, ...positions, ...positions]), config });
    const own: KeyValue[] = [];
    let x = embedTokens(parameters, tokens);
    for (let index = 0; index < config.numLayers; index++) {
      const cache = { prompt: prompts[index]!, promptLengths, own: args.own[index] };
      const context: DecodeContext = { ...cache, rotary, scale: D ** -0.5, KV, R, G, t };
      const layer = scope(() => decodeLayer({ parameters, config, index, x, context }));
      own.push(layer.own);
      x = layer.y;
    }
    return { hidden: x, own };
  });
}

/** The layer as one operation. */
function fusedLayer({ parameters, config, index, x, context }: DecodeLayerInput): { y: Tensor; own: KeyValue } {
  const name = `model.layers.${index}`;
  const weight = (part: string) => parameters.get(`${name}.${part}.weight`);
  return fused().decodeLayer!({
    ...context,
    x,
    weights: {
      inputNorm: weight('input_layernorm'),
      q: weight('self_attn.q_proj'),
      k: weight('self_attn.k_proj'),
      v: weight('self_attn.v_proj'),
      o: weight('self_attn.o_proj'),
      mlpNorm: weight('post_attention_layernorm'),
      gate: weight('mlp.gate_proj'),
      up: weight('mlp.up_proj'),
      down: weight('mlp.down_proj'),
    },
    biases: projectionBiases(parameters, index),
    headNorms: config.qkNorm ? { q: weight('self_attn.q_norm'), k: weight('self_attn.k_norm') } : undefined,
    epsilon: config.rmsNormEps,
  });
}

/** The same put together, for many rows and for adapters. */
function composedLayer({ context, ...layer }: DecodeLayerInput): { y: Tensor; own: KeyValue } {
  const input = { ...layer, isForwardOnly: true };
  const { normed } = normedInput(input);
  const { projected, biases } = project({ ...input, normed, asking: normed });
  const { y: attended, own } = fused().decodeAttention({ ...context, ...projected, biases });
  return { y: finishLayer({ ...input, attended }).y, own };
}

type DecodeLayerInput = LayerInput & { context: DecodeContext };
