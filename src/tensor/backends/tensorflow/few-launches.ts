import { onBackend } from '../../active.js';
import type { Backend } from '../../backend.js';
import { add, cast, concat, matmul, mul, reshape, rows, slice, softmax, transpose } from '../../ops.js';
import type { NormedLinear, StackedKernels, StackedLayerArgs, StackedLinear } from '../../stacked-layer.js';
import { scope, type Tensor, track } from '../../tensor.js';
import { typeOf, wide } from '../portable/wide.js';
import type { Executor } from './executor.js';

/** What is left, for TensorFlow to find: lengths of prompts and completions are written nowhere, so that a layer is one function for all. */
const REST = -1;

/** Sizes of the two parts of an axis. */
export const splitAt = (width: number): number[] => [width, REST];

/** `DT_COMPLEX64` of TensorFlow's types.proto; tfjs has no name for it. */
const TF_COMPLEX64 = 8;

/**
 * What decoding is made of on a GPU, where a launch takes longer than what it computes for a token: TensorFlow's operations
 * that do several things at once. All but views are launches; a slice of the first axis, a reshape and a bitcast are views.
 */
export function fewLaunches({ backend, executor }: { backend: Backend; executor: Executor }): StackedKernels {
  const run = (...args: Parameters<Executor['run']>): Tensor => track(executor.run(...args));

  /** x / √(Σ x² + d ε), `[n, d]`: the length of x beside √(d ε). */
  const overLength = (x: Tensor, epsilon: number): Tensor => {
    const [n, d] = x.shape as [number, number];
    const beside = concat([x, executor.column(n, Math.sqrt(d * epsilon))], 1);
    const length = run('EuclideanNorm', [executor.bool('keep_dims', true)], [beside], [executor.ints([1])]);
    return run('RealDiv', [], [x, length]);
  };

  const norm: StackedKernels['norm'] = ({ x, weight, epsilon, type }) => {
    const direction = overLength(x, epsilon);
    return cast(weight === undefined ? direction : mul(direction, weight), type);
  };

  const bitcast = (x: Tensor, type: number): Tensor => run('Bitcast', [executor.type('type', type)], [x]);

  /** Pairs `[·, N, D/2, 2]` as complex numbers times those of a table. */
  const turn = (pairs: Tensor, table: Tensor): Tensor => {
    const product = run('Mul', [], [bitcast(pairs, TF_COMPLEX64), bitcast(table, TF_COMPLEX64)]);
    return bitcast(product, executor.binding.TF_FLOAT);
  };

  /** Columns 0 … `width` and the others, as one launch. */
  const splitLast = (x: Tensor, width: number): [Tensor, Tensor] => {
    const sizes = executor.vector(splitAt(width));
    const attributes = [executor.int('num_split', 2), executor.type('Tlen', executor.binding.TF_INT32)];
    const axis = [executor.ints(x.shape.length - 1)];
    return executor.runMany('SplitV', attributes, [x, sizes], 2, axis).map(track) as [Tensor, Tensor];
  };

  /** The first half of the rows and the second: views, also where a row is shorter than what memory is aligned to. */
  const inHalves = (x: Tensor): [Tensor, Tensor] => {
    const [first, , ...rest] = x.shape;
    const flat = reshape(x, [2, REST]);
    const part = (half: number) => reshape(slice(flat, [half, 0], [1, REST]), [first! / 2, REST, ...rest]);
    return [part(0), part(1)];
  };

  /** x · σ(x): the gradient of softplus at x by x. */
  const silu = (x: Tensor): Tensor => run('SoftplusGrad', [], [x, x]);

  /** x Wᵀ, and what is added to it. */
  const products = (x: Tensor, { weight, low }: StackedLinear): Tensor[] => {
    const across = { transposeB: true };
    const main = matmul(x, weight, across);
    return low === undefined ? [main] : [main, matmul(matmul(x, low.a, across), low.b, across)];
  };

  /** x `[N, d]` float32 + parts. */
  const plus = (x: Tensor, parts: Tensor[]): Tensor => {
    if (parts.length === 1 || parts[0]!.dtype !== 'float32') return add(x, wide(parts.reduce(add)));
    const attributes = [executor.int('N', parts.length + 1), executor.type('T', executor.binding.TF_FLOAT)];
    return run('AddN', attributes, [x, ...parts]);
  };

  /** W x for x as rows, `[out, N]`: its first half and its second are views. */
  const halves = (x: Tensor, { weight, low }: StackedLinear): [Tensor, Tensor] => {
    const across = { transposeB: true };
    const main = matmul(weight, x, across);
    const both = wide(low === undefined ? main : add(main, matmul(low.b, matmul(low.a, x, across))));
    return inHalves(both);
  };

  /** Turned queries `[KV · R, N, …]` and, one after the other, turned keys and values `[2 KV, N, …]`, in T. */
  const heads = (normed: Tensor, { weights, rotary, KV, R, epsilon }: StackedLayerArgs): { q: Tensor; kv: Tensor } => {
    const { qkv, bias, headNorms } = weights;
    const [H, T] = [KV * R, typeOf(normed)];
    const [, N, half] = rotary.shape as [number, number, number];
    const flat = products(normed, qkv).reduce(add);
    const pairs = wide(transpose(reshape(flat, [N, H + 2 * KV, 2, half]), [1, 0, 3, 2]));
    const all = bias === undefined ? pairs : add(pairs, bias);
    if (headNorms === undefined) {
      const turned = cast(turn(all, rotary), T);
      return { q: rows(turned, 0, H), kv: rows(turned, H, 2 * KV) };
    }
    const asked = reshape(rows(all, 0, H + KV), [(H + KV) * N, 2 * half]);
    const scaled = mul(reshape(overLength(asked, epsilon), [H + KV, N, 2 * half]), headNorms);
    const turned = cast(turn(reshape(scaled, [H + KV, N, half, 2]), rotary), T);
    const kv = concat([rows(turned, H, KV), cast(rows(all, H + KV, KV), T)], 0);
    return { q: rows(turned, 0, H), kv };
  };

  /** `[N, KV · R · D]` */
  const attention = (q: Tensor, own: Tensor, { prompt, mask, B, G, KV, R }: StackedLayerArgs): Tensor => {
    const D = own.shape[2]!;
    const [N, P] = [B * G, prompt.v.shape[1]!];
    const queries = transpose(reshape(q, [KV, R, N, D]), [0, 2, 1, 3]);
    const [byPrompt, byCompletion] = [
      [KV * B, G * R],
      [KV * N, R],
    ];
    const [k, v] = inHalves(own);
    const onPrompt = matmul(reshape(queries, [...byPrompt!, D]), prompt.kt);
    const onOwn = matmul(reshape(queries, [...byCompletion!, D]), k, { transposeB: true });
    const masked = mask === undefined ? onPrompt : add(onPrompt, mask);
    const weights = softmax(concat([masked, reshape(onOwn, [...byPrompt!, REST])], 2));
    const [ofPrompt, ofOwn] = splitLast(weights, P);
    const fromOwn = matmul(reshape(ofOwn, [...byCompletion!, REST]), v);
    const y = add(matmul(ofPrompt, prompt.v), reshape(fromOwn, [...byPrompt!, D]));
    const byToken = transpose(reshape(y, [KV, N, R, D / 2, 2]), [1, 0, 2, 4, 3]);
    return reshape(byToken, [N, KV * R * D]);
  };

  const layer = (args: StackedLayerArgs): { y: Tensor; own: Tensor } => {
    const { x, weights, own: before, epsilon } = args;
    const T = typeOf(weights.o.weight);
    const normed = (sum: Tensor, next: NormedLinear) => norm({ x: sum, weight: next.norm, epsilon, type: T });
    const { q, kv } = heads(normed(x, weights.qkv), args);
    const [count, N, half] = kv.shape as [number, number, number];
    const entered = reshape(kv, [count * N, 1, 2 * half]);
    const own = before === undefined ? entered : concat([before, entered], 1);
    const middle = plus(x, products(attention(q, own, args), weights.o));
    const [gate, up] = halves(normed(middle, weights.gateUp), weights.gateUp);
    const inner = cast(mul(silu(gate), up), T);
    const { weight, low } = weights.down;
    const back = (w: Tensor) => matmul(inner, w, { transposeA: true, transposeB: true });
    const parts = [back(weight), ...(low === undefined ? [] : [matmul(back(low.a), low.b, { transposeB: true })])];
    return { y: plus(middle, parts), own };
  };

  const bound =
    <Args, Result>(pass: (args: Args) => Result) =>
    (args: Args): Result =>
      onBackend(backend, () => scope(() => pass(args)));
  return { layer: bound(layer), norm: bound(norm) };
}
