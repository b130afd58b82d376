import type { TextConfig } from '../model-folder/model-config.js';
import { concat } from '../tensor/ops.js';
import { activeBackend } from '../tensor/runtime.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import {
  type AttentionSaved,
  attention,
  attentionBackward,
  type Heads,
  type Projected,
  splitHeads,
} from './attention.js';
import type { Geometry } from './geometry.js';
import { biasOf, inComputeType, linear, linearBackward, linears } from './linear.js';
import { type GatedMlpSaved, gatedMlp, gatedMlpBackward } from './mlp.js';
import { type NormSaved, norm, normBackward } from './norm.js';
import type { Parameters } from './parameters.js';
import { pickRows, spreadRows } from './rows.js';

/** x + attention(norm(x)), then x + mlp(norm(x)): a decoder layer of Qwen2. */
export interface LayerInput {
  parameters: Parameters;
  config: TextConfig;
  index: number;
  /** `[N, hidden]` float32 */
  x: Tensor;
}

/** What the backward of a layer needs; where memory is short it is dropped and `forward` runs again. */
export interface LayerSaved {
  /** Of the first norm. */
  stats: Tensor;
  /** Normalised input in the compute type `[N, hidden]`. */
  normed: Tensor;
  heads: AttentionSaved;
  /** Of the rows that ask, as what follows. */
  attended: Tensor;
  mlpNorm: NormSaved;
  mlpNormed: Tensor;
  mlp: GatedMlpSaved;
}

/**
 * @param prompt keys and values of the prompts, where the rows are completions alone
 * @returns y of the rows that ask
 */
export function layerForward(args: LayerInput & { geometry: Geometry; prompt?: Heads }): {
  y: Tensor;
  saved: LayerSaved;
} {
  const { parameters, index, x, geometry, prompt } = args;
  const { asking } = geometry;
  return scope(() => {
    const { normed, stats } = normedInput(args);
    const projected = project({ parameters, index, normed, asking: pickRows(normed, asking.rows) });
    const heads = splitHeads({ projected, biases: projectionBiases(parameters, index), geometry, prompt });
    const attended = attention(heads, geometry);
    const { y, saved } = finishLayer({ ...args, x: pickRows(x, asking.rows), attended });
    return { y, saved: { stats, normed, heads, attended, ...saved } };
  });
}

/** What a pass over prompts and one over their completions saved, as of one pass over both. */
export function joinRows(prompts: LayerSaved, completions: LayerSaved): LayerSaved {
  const join = (pick: (saved: LayerSaved) => Tensor) => concat([pick(prompts), pick(completions)], 0);
  return {
    stats: join(({ stats }) => stats),
    normed: join(({ normed }) => normed),
    heads: completions.heads,
    attended: join(({ attended }) => attended),
    mlpNorm: { sum: join(({ mlpNorm }) => mlpNorm.sum), stats: join(({ mlpNorm }) => mlpNorm.stats) },
    mlpNormed: join(({ mlpNormed }) => mlpNormed),
    mlp: { gate: join(({ mlp }) => mlp.gate), up: join(({ mlp }) => mlp.up) },
  };
}

/** The first norm, in the compute type. */
export function normedInput({ parameters, config, index, x }: LayerInput): { normed: Tensor; stats: Tensor } {
  const layer = `model.layers.${index}.input_layernorm`;
  const { y, saved } = norm({ parameters, layer, x, epsilon: config.rmsNormEps });
  return { normed: y, stats: saved.stats };
}

const projection = (index: number, name: keyof Projected): string => `model.layers.${index}.self_attn.${name}_proj`;

/** Queries of the rows that ask, keys and values of all normalised rows, without their biases. */
export function project(args: { parameters: Parameters; index: number; normed: Tensor; asking: Tensor }): Projected {
  const { parameters, index, normed, asking } = args;
  const layers = (['k', 'v'] as const).map((name) => projection(index, name));
  const [k, v] = linears({ parameters, layers, x: normed });
  return { q: linear({ parameters, layer: projection(index, 'q'), x: asking }), k: k!, v: v! };
}

export function projectionBiases(parameters: Parameters, index: number): Partial<Projected> {
  const bias = (name: keyof Projected) => biasOf(parameters, projection(index, name));
  return { q: bias('q'), k: bias('k'), v: bias('v') };
}

/** From the attention's output to the layer's. */
export function finishLayer(args: LayerInput & { attended: Tensor }): {
  y: Tensor;
  saved: Pick<LayerSaved, 'mlpNorm' | 'mlpNormed' | 'mlp'>;
} {
  const { parameters, config, index, x, attended } = args;
  const name = `model.layers.${index}`;
  const { y: mlpNormed, saved: mlpNorm } = norm({
    parameters,
    layer: `${name}.post_attention_layernorm`,
    x,
    delta: linear({ parameters, layer: `${name}.self_attn.o_proj`, x: attended }),
    epsilon: config.rmsNormEps,
  });
  const { y: update, saved: mlp } = gatedMlp({ parameters, layer: `${name}.mlp`, x: mlpNormed });
  const y = activeBackend().kernels.add({ x: mlpNorm.sum, delta: update });
  return { y, saved: { mlpNorm, mlpNormed, mlp } };
}

/** Adds the gradients of the layer's weights and returns that of its input, float32. */
export function layerBackward(args: {
  parameters: Parameters;
  index: number;
  /** The layer's input. */
  x: Tensor;
  saved: LayerSaved;
  /** `[asking, hidden]` float32 */
  dy: Tensor;
  geometry: Geometry;
}): Tensor {
  const { parameters, index, x, saved, dy, geometry } = args;
  const { rows } = geometry.asking;
  const name = `model.layers.${index}`;
  return scope(() => {
    const dMlp = gatedMlpBackward({
      parameters,
      layer: `${name}.mlp`,
      x: saved.mlpNormed,
      saved: saved.mlp,
      dy: inComputeType(parameters, dy),
    });
    const dMiddle = normBackward({
      parameters,
      layer: `${name}.post_attention_layernorm`,
      saved: saved.mlpNorm,
      dys: dMlp,
      residual: dy,
    });
    const back = (layer: string, input: Tensor, d: Tensor) => linearBackward({ parameters, layer, x: input, dy: d });
    const dAttended = back(`${name}.self_attn.o_proj`, saved.attended, dMiddle.dxCast);
    const d = attentionBackward({ saved: saved.heads, dy: dAttended, geometry });
    const dAsking = back(projection(index, 'q'), pickRows(saved.normed, rows), d.q);
    const dAsked = (['k', 'v'] as const).map((part) => back(projection(index, part), saved.normed, d[part]));
    const layer = `${name}.input_layernorm`;
    const spread = (dx: Tensor) => spreadRows(dx, rows, x.shape[0]!);
    return normBackward({
      parameters,
      layer,
      saved: { sum: x, stats: saved.stats },
      dys: [spread(dAsking), ...dAsked],
      residual: spread(dMiddle.dx),
    }).dx;
  });
}
