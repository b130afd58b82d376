import { onBackend } from '../../active.js';
import type { Backend } from '../../backend.js';
import type { Kernels } from '../../kernels.js';
import { scope } from '../../tensor.js';
import { attentionWeights, attentionWeightsGradient, decodeAttention } from './attention.js';
import { draw } from './draw.js';
import { fromHeads, toHeads } from './heads.js';
import {
  addWide,
  columnSum,
  gelu,
  geluGradient,
  norm,
  normGradient,
  squaredNorm,
  swiglu,
  swigluGradient,
} from './rows.js';

/** Every kernel as a composition of the operations of `backend`, on which it runs whichever is active. */
export function portableKernels(backend: Backend): Kernels {
  const bound =
    <Args extends unknown[], Result>(pass: (...args: Args) => Result) =>
    (...args: Args): Result =>
      onBackend(backend, () => scope(() => pass(...args)));
  return {
    norm: bound(norm),
    normGradient: bound(normGradient),
    swiglu: bound(swiglu),
    swigluGradient: bound(swigluGradient),
    gelu: bound(gelu),
    geluGradient: bound(geluGradient),
    add: bound(addWide),
    columnSum: bound(columnSum),
    squaredNorm: bound(squaredNorm),
    toHeads: bound(toHeads),
    fromHeads: bound(fromHeads),
    attentionWeights: bound(attentionWeights),
    attentionWeightsGradient: bound(attentionWeightsGradient),
    attention: () => null,
    attentionGradient: () => null,
    decodeAttention: bound(decodeAttention),
    decodeLayer: null,
    stacked: null,
    fewRows: 0,
    draw: bound(draw),
  };
}
