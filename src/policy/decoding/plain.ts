import { fused } from '../../tensor/fused.js';
import type { DecodeContext, DecodeLayerArgs, KeyValue, PromptCache } from '../../tensor/kernels.js';
import { dispose, scope, type Tensor } from '../../tensor/tensor.js';
import { finishLayer, type LayerInput, normedInput, project, projectionBiases } from '../decoder-layer.js';
import { embedTokens } from '../embedding.js';
import { rotaryOf } from '../geometry.js';
import { headOf, logits } from '../head.js';
import { type Decoding, type DecodingStart, type KeptRows, pick } from './decoding.js';

/** Decoding with the weights as they are. Rows of what is kept: prompt, head, completion. */
export class PlainDecoding implements Decoding {
  readonly #start: Pick<DecodingStart, 'parameters' | 'config'>;
  /** Of the layers as one operation each, where there is such a one, and no adapter. */
  readonly #fused: FusedWeights[] | null;
  #prompts: PromptCache[];
  #promptLengths: readonly number[];
  #G: number;
  /** Keys and values of the completions by layer. */
  #own: KeyValue[] = [];
  /** Tokens decoded so far. */
  #t = 0;

  constructor({ prompts, promptLengths, G, ...start }: DecodingStart) {
    this.#start = start;
    const { parameters, config } = start;
    const isFused = fused().decodeLayer !== null && !parameters.hasAdaptersIn('model.layers.');
    const indices = Array.from({ length: config.text.numLayers }, (_, index) => index);
    this.#fused = isFused ? indices.map((index) => fusedWeights({ parameters, config: config.text, index })) : null;
    this.#prompts = prompts;
    this.#promptLengths = promptLengths;
    this.#G = G;
  }

  next({ tokens, positions }: { tokens: Int32Array; positions: readonly number[] }): Tensor {
    const { parameters, config: model } = this.#start;
    const config = model.text;
    const { numKeyValueHeads: KV, headDim: D } = config;
    const R = config.numHeads / KV;
    const { decodeLayer, fewRows } = fused();
    const layers = tokens.length <= fewRows ? this.#fused : null;
    const result = scope(() => {
      const rotary = rotaryOf({ positions: Int32Array.from([...positions, ...positions, ...positions]), config });
      const grown: KeyValue[] = [];
      let x = embedTokens(parameters, tokens);
      for (let index = 0; index < config.numLayers; index++) {
        const cache = { prompt: this.#prompts[index]!, promptLengths: this.#promptLengths, own: this.#own[index] };
        const context: DecodeContext = { ...cache, rotary, scale: D ** -0.5, KV, R, G: this.#G, t: this.#t };
        const layer =
          layers === null
            ? scope(() => composedLayer({ parameters, config, index, x, context }))
            : decodeLayer!({ ...layers[index]!, ...context, x });
        grown.push(layer.own);
        x = layer.y;
      }
      return { logits: logits({ ...headOf({ parameters, config: model }), hidden: x }), own: grown };
    });
    this.#own = result.own;
    this.#t += 1;
    return result.logits;
  }

  keepRows({ prompts, kept }: KeptRows): void {
    const KV = this.#start.config.text.numKeyValueHeads;
    const heads = Array.from({ length: KV }, (_, head) => head);
    const promptRows = prompts.flatMap((b) => heads.map((head) => b * KV + head));
    const ownRows = prompts.flatMap((b, i) =>
      heads.flatMap((head) => kept[i]!.map((g) => (b * KV + head) * this.#G + g)),
    );
    if (prompts.length < this.#promptLengths.length) this.#prompts = pick(this.#prompts, promptRows);
    this.#own = pick(this.#own, ownRows);
    this.#promptLengths = prompts.map((b) => this.#promptLengths[b]!);
    this.#G = kept[0]!.length;
  }

  dispose(): void {
    dispose(this.#prompts, this.#own);
  }
}

type FusedWeights = Pick<DecodeLayerArgs, 'weights' | 'biases' | 'headNorms' | 'epsilon'>;

/** What the layer as one operation is made of, but for where it stands. */
function fusedWeights({ parameters, config, index }: Omit<LayerInput, 'x'>): FusedWeights {
  const name = `model.layers.${index}`;
  const weight = (part: string) => parameters.get(`${name}.${part}.weight`);
  return {
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
  };
}

/** The layer put together, for many rows and for adapters. */
function composedLayer({ context, ...layer }: DecodeLayerInput): { y: Tensor; own: KeyValue } {
  const input = { ...layer, isForwardOnly: true };
  const { normed } = normedInput(input);
  const { projected, biases } = project({ ...input, normed, asking: normed });
  const { y: attended, own } = fused().decodeAttention({ ...context, ...projected, biases });
  return { y: finishLayer({ ...input, attended }).y, own };
}

type DecodeLayerInput = LayerInput & { context: DecodeContext };
