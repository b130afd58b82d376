import { fused } from '../../tensor/fused.js';
import { cast, reshape } from '../../tensor/ops.js';
import { scope, type Tensor } from '../../tensor/tensor.js';
import { biasOf, inComputeType, linear, linearBackward } from '../linear.js';
import { type NormSaved, norm, normBackward } from '../norm.js';
import type { Parameters } from '../parameters.js';
import { gelu, geluBackward } from './activations.js';

/** Names of the parts that make a token of the patches of a cell, and whether these are joined before the norm or after. */
export interface Merger {
  norm: string;
  first: string;
  second: string;
  normsJoined: boolean;
}

export interface MergerSaved {
  norm: NormSaved;
  merged: Tensor;
  /** What the first layer gave, with its bias, float32. */
  inner: Tensor;
}

interface MergerArgs {
  parameters: Parameters;
  merger: Merger;
  /** Patches of a cell. */
  area: number;
  epsilon: number;
}

/** second(GELU(first(cells(norm(x))))). @param x `[patches, E]` float32 @returns `[patches / area, hidden]` float32 */
export function merge(args: MergerArgs & { x: Tensor }): { y: Tensor; saved: MergerSaved } {
  const { parameters, merger, area, epsilon, x } = args;
  return scope(() => {
    const [count, width] = x.shape as [number, number];
    const cells = [count / area, area * width];
    const { add } = fused();
    const input = merger.normsJoined ? reshape(x, cells) : x;
    const { y: normed, saved } = norm({ parameters, layer: merger.norm, x: input, epsilon });
    const merged = merger.normsJoined ? normed : reshape(normed, cells);
    const first = linear({ parameters, layer: merger.first, x: merged });
    const inner = add({ delta: first, bias: biasOf(parameters, merger.first) });
    const second = linear({ parameters, layer: merger.second, x: inComputeType(parameters, gelu(inner)) });
    const y = add({ delta: second, bias: biasOf(parameters, merger.second) });
    return { y, saved: { norm: saved, merged, inner } };
  });
}

/** Adds the gradients of its weights. @param dy float32 @returns the gradient of x, `[patches, E]` float32 */
export function mergeBackward(args: Omit<MergerArgs, 'epsilon'> & { saved: MergerSaved; dy: Tensor }): Tensor {
  const { parameters, merger, area, saved, dy } = args;
  const inType = (x: Tensor) => inComputeType(parameters, x);
  const back = (layer: string, x: Tensor, d: Tensor) => linearBackward({ parameters, layer, x, dy: d });
  return scope(() => {
    const dGelu = back(merger.second, inType(gelu(saved.inner)), inType(dy));
    const dMerged = back(merger.first, saved.merged, inType(geluBackward(saved.inner, cast(dGelu, 'float32'))));
    const dNormed = reshape(dMerged, saved.norm.sum.shape);
    const { dx } = normBackward({ parameters, layer: merger.norm, saved: saved.norm, dys: [dNormed] });
    const [cells, width] = dMerged.shape as [number, number];
    return reshape(dx, [cells * area, width / area]);
  });
}
