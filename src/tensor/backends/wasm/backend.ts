import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { AdamCoefficients, AdamState, Backend, Binary, Reduction, Unary, Variable } from '../../backend.js';
import { Tensor } from '../../tensor.js';
import { portableKernels } from '../portable/kernels.js';

const UNARY: Record<Unary, (x: tf.Tensor) => tf.Tensor> = {
  exp: tf.exp,
  rsqrt: tf.rsqrt,
  square: tf.square,
  sigmoid: tf.sigmoid,
  erf,
};
const BINARY: Record<Binary, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  maximum: tf.maximum,
};
const REDUCTION: Record<Reduction, (x: tf.Tensor, axis: number, keepDims: boolean) => tf.Tensor> = {
  sum: tf.sum,
  mean: tf.mean,
};

/** Starts tfjs's WebAssembly backend. */
export async function startWasm(): Promise<WasmBackend> {
  if (!(await tf.setBackend('wasm'))) throw new Error('the WebAssembly backend of tfjs did not start');
  await tf.ready();
  return new WasmBackend();
}

/** The portable backend: every operation as a composition of tfjs operations; float32 and int32 only. */
export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly supportsBfloat16 = false;
  readonly usesGpu = false;
  readonly kernels = portableKernels(this);
  readonly collectives = null;
  #handles = 0;

  upload(data: Float32Array | Int32Array, shape: readonly number[]): Tensor {
    return this.#wrap(tf.tensor(data, [...shape], data instanceof Float32Array ? 'float32' : 'int32'));
  }

  uploadBfloat16(): Tensor {
    throw new Error('the WebAssembly backend has no bfloat16');
  }

  download(tensor: Tensor): Float32Array | Int32Array {
    return of(tensor).dataSync<'float32' | 'int32'>() as Float32Array | Int32Array;
  }

  free(handle: unknown): void {
    (handle as tf.Tensor).dispose();
  }

  liveTensors(): number {
    return tf.memory().numTensors;
  }

  handlesMade(): number {
    return this.#handles;
  }

  cast(x: Tensor, dtype: 'float32' | 'bfloat16'): Tensor {
    if (dtype === 'bfloat16') throw new Error('the WebAssembly backend has no bfloat16');
    return this.#wrap(tf.cast(of(x), 'float32'));
  }

  unary(op: Unary, x: Tensor): Tensor {
    return this.#wrap(UNARY[op](of(x)));
  }

  binary(op: Binary, a: Tensor, b: Tensor): Tensor {
    return this.#wrap(BINARY[op](of(a), of(b)));
  }

  scale(x: Tensor, factor: number): Tensor {
    return this.#wrap(tf.tidy(() => tf.mul(of(x), factor)));
  }

  shift(x: Tensor, addend: number): Tensor {
    return this.#wrap(tf.tidy(() => tf.add(of(x), addend)));
  }

  reduce(op: Reduction, x: Tensor, axis: number, keepDims: boolean): Tensor {
    return this.#wrap(tf.tidy(() => REDUCTION[op](of(x), axis, keepDims)));
  }

  matmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    return this.#wrap(tf.tidy(() => tf.matMul(of(a), of(b), transposeA, transposeB)));
  }

  products(x: Tensor, ws: readonly Tensor[]): Tensor[] {
    return ws.map((w) => this.matmul(x, w, false, true));
  }

  softmax(x: Tensor): Tensor {
    return this.#wrap(tf.tidy(() => tf.softmax(of(x))));
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.#wrap(tf.reshape(of(x), [...shape]));
  }

  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    return this.#wrap(tf.tidy(() => tf.transpose(of(x), [...permutation])));
  }

  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    return this.#wrap(tf.slice(of(x), [...begin], [...size]));
  }

  pad(x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor {
    return this.#wrap(tf.pad(of(x), [...paddings] as [number, number][]));
  }

  concat(xs: readonly Tensor[], axis: number): Tensor {
    return this.#wrap(tf.tidy(() => tf.concat(xs.map(of), axis)));
  }

  gather(x: Tensor, indices: Tensor): Tensor {
    return this.#wrap(tf.tidy(() => tf.gather(of(x), of(indices) as tf.Tensor1D)));
  }

  swapHalves(x: Tensor): Tensor {
    return this.#wrap(
      tf.tidy(() => {
        const [first, second] = tf.split(of(x), 2, x.shape.length - 1);
        return tf.concat([second!, first!], x.shape.length - 1);
      }),
    );
  }

  segmentSum(x: Tensor, segments: Tensor, count: number): Tensor {
    // A one-hot row of a negative segment is all zeros, so such rows are left out.
    return this.#wrap(tf.tidy(() => tf.matMul(oneHot(segments, count), of(x) as tf.Tensor2D, true)));
  }

  crossEntropy(logits: Tensor, labels: Tensor): { loss: Tensor; gradient: Tensor } {
    const [loss, gradient] = tf.tidy(() => {
      const target = oneHot(labels, logits.shape[1]!);
      const logProbabilities = tf.logSoftmax(of(logits));
      return [tf.neg(tf.sum(tf.mul(target, logProbabilities), 1)), tf.sub(tf.exp(logProbabilities), target)] as const;
    });
    return { loss: this.#wrap(loss), gradient: this.#wrap(gradient) };
  }

  sampleRows(p: Tensor, u: Tensor): Tensor {
    return this.#wrap(
      tf.tidy(() => {
        const width = p.shape[1]!;
        const cumulative = tf.cumsum(of(p), 1);
        const threshold = tf.mul(of(u), tf.slice(cumulative, [0, width - 1], [p.shape[0]!, 1]));
        const counts = tf.sum(tf.cast(tf.lessEqual(cumulative, threshold), 'int32'), 1);
        return tf.cast(tf.minimum(counts, tf.scalar(width - 1, 'int32')), 'int32');
      }),
    );
  }

  argMax(x: Tensor): Tensor {
    return this.#wrap(tf.tidy(() => tf.argMax(of(x), 1)));
  }

  topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
    const { values, indices } = tf.topk(of(x), k, true);
    return { values: this.#wrap(values), indices: this.#wrap(indices) };
  }

  variable(initial: Tensor): Variable {
    return new TensorVariable(this, initial);
  }

  adam({ value, m, v }: AdamState, gradient: Tensor, c: AdamCoefficients): void {
    const states = [value, m, v] as TensorVariable[];
    const next = tf.tidy(() => {
      const [w, m0, v0] = states.map((variable) => variable.current);
      const g = tf.mul(of(gradient), c.gradientScale);
      const m1 = tf.add(tf.mul(m0!, c.beta1), tf.mul(g, 1 - c.beta1));
      const v1 = tf.add(tf.mul(v0!, c.beta2), tf.mul(tf.square(g), 1 - c.beta2));
      const update = tf.mul(tf.div(m1, tf.add(tf.sqrt(v1), c.epsilon)), c.stepSize);
      return [tf.sub(tf.mul(w!, c.decay), update), m1, v1];
    });
    for (const [i, variable] of states.entries()) variable.replace(next[i]!);
  }

  /** Counts and wraps a tfjs tensor. */
  #wrap(x: tf.Tensor): Tensor {
    this.#handles += 1;
    return new Tensor(this, x, x.shape, x.dtype === 'int32' ? 'int32' : 'float32');
  }
}

class TensorVariable implements Variable {
  current: tf.Tensor;
  readonly shape: readonly number[];
  readonly #backend: WasmBackend;

  constructor(backend: WasmBackend, initial: Tensor) {
    this.#backend = backend;
    this.current = tf.clone(of(initial));
    this.shape = initial.shape;
  }

  read(): Tensor {
    return new Tensor(this.#backend, tf.clone(this.current), this.shape, 'float32');
  }

  assign(value: Tensor): void {
    this.replace(tf.clone(of(value)));
  }

  replace(value: tf.Tensor): void {
    this.current.dispose();
    this.current = value;
  }

  dispose(): void {
    this.current.dispose();
  }
}

const of = (tensor: Tensor): tf.Tensor => tensor.handle as tf.Tensor;

const oneHot = (labels: Tensor, depth: number): tf.Tensor2D =>
  tf.cast(tf.oneHot(of(labels) as tf.Tensor1D, depth), 'float32') as tf.Tensor2D;

/** tfjs's WebAssembly backend has no erf kernel. This is `erfcc` of Numerical Recipes: absolute error below 1.2e-7. */
function erf(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const magnitude = tf.abs(x);
    const t = tf.div(1, tf.add(1, tf.mul(magnitude, 0.5)));
    const coefficients = [
      0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
      -1.26551223,
    ];
    const polynomial = coefficients.reduce<tf.Tensor>((sum, c) => tf.add(tf.mul(sum, t), c), tf.zerosLike(x));
    const complement = tf.mul(t, tf.exp(tf.sub(polynomial, tf.square(magnitude))));
    return tf.mul(tf.sign(x), tf.sub(1, complement));
  });
}
