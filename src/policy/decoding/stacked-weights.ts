import type { TextConfig } from '../../model-folder/model-config.js';
import { cast, concat, gather, indices, mul, pad, reshape, scale, transpose, upload } from '../../tensor/ops.js';
import type { NormedLinear, StackedLinear, StackedWeights } from '../../tensor/stacked-layer.js';
import type { Tensor } from '../../tensor/tensor.js';
import { biasOf } from '../linear.js';
import type { Parameters } from '../parameters.js';

interface Layer {
  parameters: Parameters;
  config: TextConfig;
  index: number;
}

/** The weights of a decoder layer, put together for `StackedKernels`. What is copied belongs to the innermost scope. */
export function stackedWeights({ parameters, config, index }: Layer): StackedWeights {
  const name = `model.layers.${index}`;
  const attention = `${name}.self_attn`;
  const projections = PROJECTIONS.map((part) => `${attention}.${part}_proj`);
  return {
    qkv: normedLinear({ parameters, norm: `${name}.input_layernorm`, layers: projections }),
    bias: headBias({ parameters, config, attention }),
    headNorms: config.qkNorm ? headNorms({ parameters, config, attention }) : undefined,
    o: linear(parameters, `${attention}.o_proj`),
    gateUp: normedLinear({
      ...{ parameters, norm: `${name}.post_attention_layernorm` },
      layers: [`${name}.mlp.gate_proj`, `${name}.mlp.up_proj`],
    }),
    down: linear(parameters, `${name}.mlp.down_proj`),
  };
}

const PROJECTIONS = ['q', 'k', 'v'] as const;

/** The weight of an RMS norm times √ of its width. @param layer name without `.weight` */
export function stackedNorm(parameters: Parameters, layer: string): Tensor {
  const weight = parameters.get(`${layer}.weight`);
  return scale(weight, Math.sqrt(weight.size));
}

const linear = (parameters: Parameters, layer: string): StackedLinear => ({
  weight: parameters.get(`${layer}.weight`),
  low: lowRank(parameters, [layer]),
});

/** Layers that share a norm's output. Where weights are copied anyway, as trained ones are, the norm's go into them. */
function normedLinear(args: { parameters: Parameters; norm: string; layers: readonly string[] }): NormedLinear {
  const { parameters, norm: normName, layers } = args;
  const names = layers.map((layer) => `${layer}.weight`);
  const norm = stackedNorm(parameters, normName);
  const low = lowRank(parameters, layers);
  const frozen = parameters.frozenStack(names);
  if (frozen !== null) return { norm, weight: frozen, low };
  const all = concat(
    names.map((name) => parameters.inFloat32(name)),
    0,
  );
  const withNorm = (x: Tensor) => cast(mul(cast(x, 'float32'), norm), parameters.type);
  return { weight: withNorm(all), low: low && { ...low, a: withNorm(low.a) } };
}

/** A below A, and each B in rows and columns of its own; nothing where no layer has an adapter. */
function lowRank(parameters: Parameters, layers: readonly string[]): StackedLinear['low'] {
  const parts = layers.map((layer) => {
    const out = parameters.get(`${layer}.weight`).shape[0]!;
    return { out, adapter: parameters.adapter(layer) };
  });
  const factors = parts.flatMap(({ adapter }) => adapter?.a ?? []);
  if (factors.length === 0) return undefined;
  const sum = factors.reduce((total, a) => total + a.shape[0]!, 0);
  let end = 0;
  const rows = parts.map(({ out, adapter }) => {
    if (adapter === undefined) return cast(upload(new Float32Array(out * sum), [out, sum]), parameters.type);
    const start = end;
    end += adapter.a.shape[0]!;
    return pad(scale(adapter.b, adapter.scale), 1, start, sum - end);
  });
  return { a: concat(factors, 0), b: concat(rows, 0) };
}

interface Attention extends Omit<Layer, 'index'> {
  /** Such as `model.layers.0.self_attn`. */
  attention: string;
}

/** Of all heads, as pairs; nothing where none of the three has one. */
function headBias({ parameters, config, attention }: Attention): Tensor | undefined {
  const { numHeads: H, numKeyValueHeads: KV, headDim: D } = config;
  const biases = PROJECTIONS.map((part) => biasOf(parameters, `${attention}.${part}_proj`));
  if (biases.every((bias) => bias === undefined)) return undefined;
  const widths = [H * D, KV * D, KV * D];
  const filled = biases.map((bias, i) => bias ?? upload(new Float32Array(widths[i]!), [widths[i]!]));
  return reshape(pairs(concat(filled, 0), D), [H + 2 * KV, 1, D / 2, 2]);
}

/** Of each head of queries and keys, as pairs; queries get their scale 1/√D, for which √D stays away. */
function headNorms({ parameters, config, attention }: Attention): Tensor {
  const { numHeads: H, numKeyValueHeads: KV, headDim: D } = config;
  const q = parameters.get(`${attention}.q_norm.weight`);
  const both = concat([reshape(q, [1, D]), reshape(stackedNorm(parameters, `${attention}.k_norm`), [1, D])], 0);
  const ofHeads = gather(both, indices(Array.from({ length: H + KV }, (_, head) => Number(head >= H))));
  return reshape(pairs(ofHeads, D), [H + KV, 1, D]);
}

/** The dimensions i and i + D/2 of each head side by side. */
const pairs = (x: Tensor, D: number): Tensor => transpose(reshape(x, [x.size / D, 2, D / 2]), [0, 2, 1]);
