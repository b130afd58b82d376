import type { TextConfig } from '../model-folder/model-config.js';
import { fused } from '../tensor/fused.js';
import { concat } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { attention } from './attention.js';
import { attentionBackward } from './attention-backward.js';
import type { Geometry } from './geometry.js';
import { type HeadNormsSaved, headNorms, headNormsBackward } from './head-norm.js';
import { type AttentionSaved, type Heads, type Projected, splitHeads } from './heads.js';
import { biasOf, inComputeType, linear, linearBackward, linears } from './linear.js';
import { type GatedMlpSaved, gatedMlp, gatedMlpBackward } from './mlp.js';
import { type NormSaved, norm, normBackward } from './norm.js';
import type { Parameters } from './parameters.js';
import { pickRows, spreadRows } from './rows.js';

/** x + attention(norm(x)), then x + mlp(norm(x)): a decoder layer of Qwen2, or of Qwen3 with its norms of queries and keys. */
export interface LayerInput {
  parameters: Parameters;
  config: TextConfig;
  index: number;
  /** `[N, hidden]` float32 */
  x: Tensor;
  /** Nobody goes back: what only the backward needs may be left out. */
  isForwardOnly?: boolean;
}

/** What the backward of a layer needs; where memory is short it is dropped and `forward` runs again. */
export interface LayerSaved {
  /** Of the first norm. */
  stats: Tensor;
  /** Normalised input in the compute type `[N, hidden]`. */
  normed: Tensor;
  /** Of the norms of queries and keys, where there are. */
  headNorms: HeadNormsSaved | null;
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
  const { x, geometry, prompt } = args;
  const { asking } = geometry;
  return scope(() => {
    const { normed, stats } = normedInput(args);
    const { projected, biases, headNorms } = project({ ...args, normed, asking: pickRows(normed, asking.rows) });
    const heads = splitHeads({ projected, biases, geometry, prompt });
    const attended = attention(heads, geometry);
    const { y, saved } = finishLayer({ ...args, x: pickRows(x, asking.rows), attended });
    return { y, saved: { stats, normed, headNorms, heads, attended, ...saved } };
  });
}

/** What a pass over prompts and one over their completions saved, as of one pass over both. */
export function joinRows(prompts: LayerSaved, completions: LayerSaved): LayerSaved {
  const join = (pick: (saved: LayerSaved) => Tensor) => concat([pick(prompts), pick(completions)], 0);
  const joinNorms = (pick: (saved: LayerSaved) => NormSaved): NormSaved => ({
    sum: join((saved) => pick(saved).sum),
    stats: join((saved) => pick(saved).stats),
  });
  return {
    stats: join(({ stats }) => stats),
    normed: join(({ normed }) => normed),
    headNorms: prompts.headNorms && {
      q: joinNorms(({ headNorms }) => headNorms!.q),
      k: joinNorms(({ headNorms }) => headNorms!.k),
    },
    heads: completions.heads,
    attended: join(({ attended }) => attended),
    mlpNorm: joinNorms(({ mlpNorm }) => mlpNorm),
    mlpNormed: join(({ mlpNormed }) => mlpNormed),
    mlp: { gate: join(({ mlp }) => mlp.gate), up: join(({ mlp }) => mlp.up) },
  };
}

/** The first norm, in the compute type. */
export function normedInput({ parameters, config, index, x, isForwardOnly }: LayerInput): {
  normed: Tensor;
  stats: Tensor;
} {
  const layer = `model.layers.${index}.input_layernorm`;
  const { y, saved } = norm({ parameters, layer, x, epsilon: config.rmsNormEps, isForwardOnly });
  return { normed: y, stats: saved.stats };
}

const attentionOf = (index: number): string => `model.layers.${index}.self_attn`;
const projection = (index: number, name: keyof Projected): string => `${attentionOf(index)}.${name}_proj`;

/**
 * Queries of the rows that ask, keys and values of all normalised rows; and the biases that they still lack: those of
 * queries and keys stand before their norms, where there are such.
 */
export function project(args: Omit<LayerInput, 'x'> & { normed: Tensor; asking: Tensor }): {
  projected: Projected;
  biases: Partial<Projected>;
  headNorms: HeadNormsSaved | null;
} {
  const { parameters, config, index, normed, asking } = args;
  const layers = (['k', 'v'] as const).map((name) => projection(index, name));
  const [k, v] = linears({ parameters, layers, x: normed });
  const products = { q: linear({ parameters, layer: projection(index, 'q'), x: asking }), k: k!, v: v! };
  const biases = projectionBiases(parameters, index);
  if (!config.qkNorm) return { projected: products, biases, headNorms: null };
  const { projected, saved } = headNorms({ parameters, layer: attentionOf(index), config, projected: products });
  return { projected, biases: { v: biases.v }, headNorms: saved };
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
  const { parameters, config, index, x, attended, isForwardOnly } = args;
  const name = `model.layers.${index}`;
  const { y: mlpNormed, saved: mlpNorm } = norm({
    parameters,
    layer: `${name}.post_attention_layernorm`,
    x,
    delta: linear({ parameters, layer: `${name}.self_attn.o_proj`, x: attended }),
    epsilon: config.rmsNormEps,
    isForwardOnly,
  });
  const { y: update, saved: mlp } = gatedMlp({ parameters, layer: `${name}.mlp`, x: mlpNormed });
  const y = fused().add({ x: mlpNorm.sum, delta: update });
  return { y, saved: { mlpNorm, mlpNormed, mlp } };
}

/** Adds the gradients of the layer's weights and returns that of its input, float32. */
export function layerBackward(
  args: LayerInput & {
    saved: LayerSaved;
    /** `[asking, hidden]` float32 */
    dy: Tensor;
    geometry: Geometry;
  },
): Tensor {
  const { parameters, config, index, x, saved, dy, geometry } = args;
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
    const dHeads = attentionBackward({ saved: saved.heads, dy: dAttended, geometry });
    const norms = saved.headNorms;
    const d =
      norms === null
        ? dHeads
        : headNormsBackward({ parameters, layer: attentionOf(index), config, saved: norms, d: dHeads });
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
