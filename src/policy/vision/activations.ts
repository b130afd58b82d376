import { add, erf, exp, mul, scale, shift, square } from '../../tensor/ops.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Φ(x), the normal distribution function. */
const phi = (x: Tensor): Tensor => scale(shift(erf(scale(x, Math.SQRT1_2)), 1), 0.5);

/** The exact GELU, x · Φ(x), float32. */
export const gelu = (x: Tensor): Tensor => mul(x, phi(x));

export function geluBackward(x: Tensor, dy: Tensor): Tensor {
  const density = scale(exp(scale(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(dy, add(phi(x), mul(x, density)));
}
