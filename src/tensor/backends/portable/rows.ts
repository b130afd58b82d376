import type { NormArgs, Normed, NormGradient, NormGradientArgs } from '../../kernels.js';
import {
  add,
  cast,
  concat,
  matmul,
  meanLast,
  mul,
  reshape,
  rsqrt,
  scale,
  shift,
  sigmoid,
  square,
  sub,
  sumFirst,
} from '../../ops.js';
import type { Tensor } from '../../tensor.js';
import { column, typeOf, wide } from './wide.js';

const QUICK = 1.702;

export function norm({ x, delta, bias, weight, shift: offset, epsilon, type }: NormArgs): Normed {
  const sum = delta === undefined ? x : addWide({ x, delta, bias });
  const mean = offset === undefined ? undefined : meanLast(sum);
  const centered = mean === undefined ? sum : sub(sum, mean);
  const rstd = rsqrt(shift(meanLast(square(centered)), epsilon));
  const y = mul(mul(centered, rstd), weight);
  const stats = concat([mean ?? scale(rstd, 0), rstd], 1);
  return { sum, y: cast(offset === undefined ? y : add(y, offset), type), stats };
}

/** dx = rstd · (g − mean(g) − x̂ · mean(g x̂)) with g = dy · w; without mean(g) where rows are not centred. */
export function normGradient(args: NormGradientArgs): NormGradient {
  const { dys, sum, stats, weight, centered, residual, wantsWeight } = args;
  const dy = dys.map(wide).reduce(add);
  const rstd = column(stats, 1, 1);
  const normalized = mul(sub(sum, column(stats, 0, 1)), rstd);
  const g = mul(dy, weight);
  const along = sub(g, mul(normalized, meanLast(mul(g, normalized))));
  const inner = mul(centered ? sub(along, meanLast(g)) : along, rstd);
  const dx = residual === undefined ? inner : add(inner, residual);
  return {
    dx,
    dxCast: cast(dx, typeOf(dys[0]!)),
    dWeight: wantsWeight ? sumFirst(mul(dy, normalized)) : undefined,
    dShift: wantsWeight && centered ? sumFirst(dy) : undefined,
  };
}

export function swigluGradient({ gate, up, d }: { gate: Tensor; up: Tensor; d: Tensor }) {
  const [g, u, dy, type] = [wide(gate), wide(up), wide(d), typeOf(gate)];
  const s = sigmoid(g);
  const silu = mul(g, s);
  // silu′(g) = σ(g) + silu(g) · (1 − σ(g))
  const slope = add(s, mul(silu, shift(scale(s, -1), 1)));
  return {
    dGate: cast(mul(mul(dy, u), slope), type),
    dUp: cast(mul(dy, silu), type),
    y: cast(mul(silu, u), type),
  };
}

export function quickGeluGradient({ x, bias, d }: { x: Tensor; bias: Tensor; d: Tensor }) {
  const z = add(wide(x), bias);
  const s = sigmoid(scale(z, QUICK));
  const y = mul(z, s);
  // σ + 1.702 z σ (1 − σ)
  const slope = add(s, mul(scale(y, QUICK), shift(scale(s, -1), 1)));
  return { dx: cast(mul(wide(d), slope), typeOf(x)), y: cast(y, typeOf(x)) };
}

export function addWide({ x, delta, bias }: { x?: Tensor; delta: Tensor; bias?: Tensor }): Tensor {
  const own = bias === undefined ? wide(delta) : add(wide(delta), bias);
  return x === undefined ? own : add(x, own);
}

/** silu(gate) · up */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  const g = wide(gate);
  return cast(mul(mul(g, sigmoid(g)), wide(up)), typeOf(gate));
}

export function quickGelu(x: Tensor, bias: Tensor): Tensor {
  const z = add(wide(x), bias);
  return cast(mul(z, sigmoid(scale(z, QUICK))), typeOf(x));
}

export function columnSum(x: Tensor): Tensor {
  return sumFirst(wide(x));
}

export function squaredNorm(x: Tensor): Tensor {
  const flat = reshape(wide(x), [1, x.size]);
  return reshape(matmul(flat, flat, { transposeB: true }), [1]);
}
