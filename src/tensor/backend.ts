import type { Collectives } from './cluster.js';
import type { Kernels } from './kernels.js';
import type { Handle, Tensor } from './tensor.js';

export type Unary = 'exp' | 'rsqrt' | 'square' | 'sigmoid' | 'erf';
export type Binary = 'add' | 'sub' | 'mul' | 'maximum';
export type Reduction = 'sum' | 'mean';

/** Coefficients of one AdamW step, with the bias corrections already in them. */
export interface AdamCoefficients {
  beta1: number;
  beta2: number;
  /** learning_rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) */
  stepSize: number;
  /** ε · √(1 − β₂ᵗ): with it and `stepSize`, m / (√v + ε′) is PyTorch's update. */
  epsilon: number;
  /** 1 − learning_rate · weight_decay */
  decay: number;
  /** The gradient is multiplied with it first. */
  gradientScale: number;
}

/** A weight that is updated in place. */
export interface Variable {
  readonly shape: readonly number[];
  /** The value of now; it must be disposed of before the next update (which then need not copy). */
  read(): Tensor;
  assign(value: Tensor): void;
  dispose(): void;
}

/** A weight under training with Adam's two moments. */
export interface AdamState {
  value: Variable;
  m: Variable;
  v: Variable;
}

/**
 * The operations that the model is made of. Two backends have them: TensorFlow, through the N-API addon
 * (`backends/tensorflow`), and tfjs on WebAssembly (`backends/wasm`). A test checks each against the other.
 */
export interface Backend {
  readonly name: 'tensorflow' | 'wasm';
  readonly supportsBfloat16: boolean;
  readonly usesGpu: boolean;
  /** What lies between matrix products. */
  readonly kernels: Kernels;
  /** What this process does together with others; null where it has joined none. */
  readonly collectives: Collectives | null;

  /** The array must not be changed afterwards: the device may share its memory. */
  upload(data: Float32Array | Int32Array, shape: readonly number[]): Tensor;
  /** `bits`: little-endian bfloat16. */
  uploadBfloat16(bits: Uint8Array, shape: readonly number[]): Tensor;
  download(tensor: Tensor): Float32Array | Int32Array;
  free(handle: Handle): void;
  /** Tensors alive on the device, by the backend's own count. */
  liveTensors(): number;
  /** Handles made since the process started (TensorFlow's addon numbers them with 32 bits). */
  handlesMade(): number;

  cast(x: Tensor, dtype: 'float32' | 'bfloat16'): Tensor;
  unary(op: Unary, x: Tensor): Tensor;
  binary(op: Binary, a: Tensor, b: Tensor): Tensor;
  /** x · factor */
  scale(x: Tensor, factor: number): Tensor;
  /** x + addend */
  shift(x: Tensor, addend: number): Tensor;
  reduce(op: Reduction, x: Tensor, axis: number, keepDims: boolean): Tensor;
  /** `[M, K] · [K, N]`, or a batch of them `[B, M, K] · [B, K, N]`. */
  matmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  /** x · Wᵀ with each of several W `[N, K]`. */
  products(x: Tensor, ws: readonly Tensor[]): Tensor[];
  /** Over the last axis. */
  softmax(x: Tensor): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, permutation: readonly number[]): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  /** With so many zeros before and after x along each axis. */
  pad(x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor;
  concat(xs: readonly Tensor[], axis: number): Tensor;
  /** Rows of `x` along its first axis. `indices`: int32 `[n]`. */
  gather(x: Tensor, indices: Tensor): Tensor;
  /** The two halves of the last axis swapped. */
  swapHalves(x: Tensor): Tensor;
  /** `out[s]` = sum of the rows i of `x` `[n, d]` with `segments[i]` = s; rows with a negative segment are left out. */
  segmentSum(x: Tensor, segments: Tensor, count: number): Tensor;
  /** `logits` `[m, V]`, `labels` int32 `[m]` → `[−log p(label)]` `[m]` and its gradient p − onehot `[m, V]`. */
  crossEntropy(logits: Tensor, labels: Tensor): { loss: Tensor; gradient: Tensor };
  /** Inverse of the cumulative distribution: for each row of `p` `[m, V]` the first index whose cumulative sum exceeds
   * u · (sum of the row). `u`: `[m, 1]` in [0, 1). → int32 `[m]` */
  sampleRows(p: Tensor, u: Tensor): Tensor;
  argMax(x: Tensor): Tensor;
  /** The k largest of each row, in descending order. */
  topK(x: Tensor, k: number): { values: Tensor; indices: Tensor };

  variable(initial: Tensor): Variable;
  /** One AdamW step in place; the gradient may be bfloat16 (Loshchilov & Hutter 2019), PyTorch's order: decay, moments, update. */
  adam(state: AdamState, gradient: Tensor, coefficients: AdamCoefficients): void;
}
