import type { GeluArgs, NormArgs, Normed, NormGradient, NormGradientArgs, SwigluArgs } from '../../kernels.js';
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

export function norm({
  x,
  delta,
  bias,
  weight,
  shift: offset,
  epsilon,
  type,
  isForwardOnly = false,
}: NormArgs): Normed {
  const sum = delta === undefined ? x : addWide({ x, delta, bias });
  const mean = offset === undefined ? undefined : meanLast(sum);
  const centered = mean === undefined ? sum : sub(sum, mean);
  const rstd = rsqrt(shift(meanLast(square(centered)), epsilon));
  const y = mul(mul(centered, rstd), weight);
  const stats = isForwardOnly ? rstd : concat([mean ?? scale(rstd, 0), rstd], 1);
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

export function addWide({ x, delta, bias }: { x?: Tensor; delta: Tensor; bias?: Tensor }): Tensor {
  const own = bias === undefined ? wide(delta) : add(wide(delta), bias);
  return x === undefined ? own : add(x, own);
}

const withBias = (x: Tensor, bias: Tensor | undefined): Tensor => (bias === undefined ? wide(x) : add(wide(x), bias));

export function swiglu({ gate, up, gateBias, upBias }: SwigluArgs): Tensor {
  const g = withBias(gate, gateBias);
  return cast(mul(mul(g, sigmoid(g)), withBias(up, upBias)), typeOf(gate));
}

export function swigluGradient({ gate, up, gateBias, upBias, d }: SwigluArgs & { d: Tensor }) {
  const [g, u, dy, type] = [withBias(gate, gateBias), withBias(up, upBias), wide(d), typeOf(gate)];
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

const QUICK = 1.702;
/** 2 √(2/π): σ(2 x) = (1 + tanh x) / 2. */
const BY_TANH = 1.5957691216057308;
const CUBIC = 0.044715;

/** What the sigmoid is of, and its derivative. */
const ARGUMENT: Record<GeluArgs['form'], { of: (z: Tensor) => Tensor; slope: (z: Tensor) => Tensor | number }> = {
  quick: { of: (z) => scale(z, QUICK), slope: () => QUICK },
  tanh: {
    of: (z) => scale(mul(z, shift(scale(square(z), CUBIC), 1)), BY_TANH),
    slope: (z) => scale(shift(scale(square(z), 3 * CUBIC), 1), BY_TANH),
  },
};

export function gelu({ x, bias, form }: GeluArgs): Tensor {
  const z = add(wide(x), bias);
  return cast(mul(z, sigmoid(ARGUMENT[form].of(z))), typeOf(x));
}

export function geluGradient({ x, bias, form, d }: GeluArgs & { d: Tensor }) {
  const z = add(wide(x), bias);
  const s = sigmoid(ARGUMENT[form].of(z));
  const y = mul(z, s);
  // σ + u′ z σ (1 − σ)
  const steep = ARGUMENT[form].slope(z);
  const along = typeof steep === 'number' ? scale(y, steep) : mul(y, steep);
  const slope = add(s, mul(along, shift(scale(s, -1), 1)));
  return { dx: cast(mul(wide(d), slope), typeOf(x)), y: cast(y, typeOf(x)) };
}

export function columnSum(x: Tensor): Tensor {
  return sumFirst(wide(x));
}

export function squaredNorm(x: Tensor): Tensor {
  const flat = reshape(wide(x), [1, x.size]);
  return reshape(matmul(flat, flat, { transposeB: true }), [1]);
}
