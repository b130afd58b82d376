import { cast, matmul } from '../tensor/ops.js';
import type { Tensor } from '../tensor/tensor.js';

/** The type that matrices are multiplied in; sums, norms, softmax and log-probabilities are float32 always. */
export type ComputeType = 'float32' | 'bfloat16';

/** A matrix product (or a batch of them) in `type`, as float32. */
export function product(
  type: ComputeType,
  a: Tensor,
  b: Tensor,
  options?: { transposeA?: boolean; transposeB?: boolean },
): Tensor {
  return cast(matmul(cast(a, type), cast(b, type), options), 'float32');
}
