import type { TextConfig } from '../model-folder/model-config.js';
import { fused } from '../tensor/fused.js';
import { reshape } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import type { Projected } from './heads.js';
import { biasOf } from './linear.js';
import { type NormSaved, norm, normBackward } from './norm.js';
import type { Parameters } from './parameters.js';

/** Queries and keys, of which each head goes through an RMS norm (Qwen3's q_norm and k_norm). */
const NORMED = ['q', 'k'] as const;
type Name = (typeof NORMED)[number];

/** What their backward needs, by row and head: `[N · heads, D]`. */
export type HeadNormsSaved = Record<Name, NormSaved>;

interface HeadNorms {
  parameters: Parameters;
  /** Name of the attention, such as `model.layers.0.self_attn`. */
  layer: string;
  config: Pick<TextConfig, 'headDim' | 'rmsNormEps'>;
}

/** @param projected without biases @returns the same, queries and keys with their biases and normalised */
export function headNorms({ parameters, layer, config, projected }: HeadNorms & { projected: Projected }): {
  projected: Projected;
  saved: HeadNormsSaved;
} {
  const { headDim: D, rmsNormEps: epsilon } = config;
  return scope(() => {
    const [q, k] = NORMED.map((name) => {
      const product = projected[name];
      const x = fused().add({ delta: product, bias: biasOf(parameters, `${layer}.${name}_proj`) });
      const heads = reshape(x, [x.size / D, D]);
      const { y, saved } = norm({ parameters, layer: `${layer}.${name}_norm`, x: heads, epsilon });
      return { y: reshape(y, product.shape), saved };
    });
    return { projected: { ...projected, q: q!.y, k: k!.y }, saved: { q: q!.saved, k: k!.saved } };
  });
}

/** @param d the gradients of what `headNorms` gave @returns those of the projections' products */
export function headNormsBackward(args: HeadNorms & { saved: HeadNormsSaved; d: Projected }): Projected {
  const { parameters, layer, config, saved, d } = args;
  const back = (name: Name): Tensor => {
    const dy = reshape(d[name], [d[name].size / config.headDim, config.headDim]);
    const { dxCast } = normBackward({ parameters, layer: `${layer}.${name}_norm`, saved: saved[name], dys: [dy] });
    return reshape(dxCast, d[name].shape);
  };
  return scope(() => ({ ...d, q: back('q'), k: back('k') }));
}
