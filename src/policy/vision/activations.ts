import { add, erf, exp, mul, scale, shift, sigmoid, square } from '../../tensor/ops.js';
import type { Tensor } from '../../tensor/tensor.js';

const QUICK = 1.702;

/** x · σ(1.702 x) (Hendrycks & Gimpel 2016). */
export const quickGelu = (x: Tensor): Tensor => mul(x, sigmoid(scale(x, QUICK)));

export function quickGeluBackward(x: Tensor, dy: Tensor): Tensor {
  const s = sigmoid(scale(x, QUICK));
  // σ + 1.702 x σ (1 − σ)
  const slope = add(s, mul(scale(mul(x, s), QUICK), shift(scale(s, -1), 1)));
  return mul(dy, slope);
}

/** Φ(x), the normal distribution function. */
const phi = (x: Tensor): Tensor => scale(shift(erf(scale(x, Math.SQRT1_2)), 1), 0.5);

/** The exact GELU, x · Φ(x). */
export const gelu = (x: Tensor): Tensor => mul(x, phi(x));

export function geluBackward(x: Tensor, dy: Tensor): Tensor {
  const density = scale(exp(scale(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(dy, add(phi(x), mul(x, density)));
}
