import type { DrawArgs } from '../../kernels.js';
import { MASKED } from '../../masked.js';
import { add, crossEntropy, sampleRows, scale, softmax, upload } from '../../ops.js';
import type { Tensor } from '../../tensor.js';

export function draw({ logits, uniforms, scale: factor, forbidden }: DrawArgs): { tokens: Tensor; logprobs: Tensor } {
  const [M, V] = logits.shape as [number, number];
  const z = scale(logits, factor);
  const bias = new Float32Array(V);
  for (const id of forbidden) bias[id] = MASKED;
  const allowed = forbidden.length === 0 ? z : add(z, upload(bias, [1, V]));
  const tokens = sampleRows(softmax(allowed), upload(uniforms, [M, 1]));
  return { tokens, logprobs: scale(crossEntropy(z, tokens).loss, -1) };
}
