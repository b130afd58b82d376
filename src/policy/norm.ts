import { add, meanLast, mul, rsqrt, shift, square, sub, sumFirst } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Parameters } from './parameters.js';

/** What a norm keeps for its backward: the normalised rows `[N, d]` and 1 / their deviation `[N, 1]`. */
export interface NormSaved {
  normalized: Tensor;
  rstd: Tensor;
}

interface NormInput {
  parameters: Parameters;
  /** Name without `.weight`. */
  layer: string;
  /** `[N, d]` float32 */
  x: Tensor;
  epsilon: number;
}

/** y = w · x / √(mean x² + ε) over the last axis (Zhang & Sennrich 2019). */
export function rmsNorm({ parameters, layer, x, epsilon }: NormInput): { y: Tensor; saved: NormSaved } {
  const rstd = rsqrt(shift(meanLast(square(x)), epsilon));
  const normalized = mul(x, rstd);
  return { y: mul(normalized, parameters.get(`${layer}.weight`)), saved: { normalized, rstd } };
}

/** y = w · (x − mean) / √(var + ε) + b over the last axis. */
export function layerNorm({ parameters, layer, x, epsilon }: NormInput): { y: Tensor; saved: NormSaved } {
  const centered = sub(x, meanLast(x));
  const { y, saved } = rmsNorm({ parameters, layer, x: centered, epsilon });
  return { y: add(y, parameters.get(`${layer}.bias`)), saved };
}

interface NormGradient {
  parameters: Parameters;
  layer: string;
  saved: NormSaved;
  dy: Tensor;
}

/** dx = rstd · (g − n · mean(g n)) with g = dy · w and n the normalised rows. */
export function rmsNormBackward({ parameters, layer, saved, dy }: NormGradient): Tensor {
  const { normalized, rstd } = saved;
  const weight = `${layer}.weight`;
  if (parameters.isTrainable(weight)) parameters.accumulate(weight, sumFirst(mul(dy, normalized)));
  const g = mul(dy, parameters.get(weight));
  return mul(sub(g, mul(normalized, meanLast(mul(g, normalized)))), rstd);
}

/** As `rmsNormBackward`, with the mean of the gradient taken out (the rows were centred). */
export function layerNormBackward({ parameters, layer, saved, dy }: NormGradient): Tensor {
  const bias = `${layer}.bias`;
  if (parameters.isTrainable(bias)) parameters.accumulate(bias, sumFirst(dy));
  const dCentered = rmsNormBackward({ parameters, layer, saved, dy });
  return sub(dCentered, meanLast(dCentered));
}
