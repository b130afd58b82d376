import type { AdamCoefficients, AdamState, Backend, Binary, Reduction, Unary, Variable } from '../../backend.js';
import type { Collectives } from '../../cluster.js';
import type { Kernels } from '../../kernels.js';
import type { StackedKernels } from '../../stacked-layer.js';
import { type DType, Tensor } from '../../tensor.js';
import { portableKernels } from '../portable/kernels.js';
import type { Binding } from './binding.js';
import { Executor, TF_BFLOAT16 } from './executor.js';
import { fewLaunches } from './few-launches.js';
import type { FunctionPlace } from './functions.js';
import { layerFunctions } from './layer-functions.js';
import { nativeKernels } from './native-kernels.js';
import { OWN_PRODUCTS } from './own-products.js';
import { ResourceVariable } from './resource-variable.js';
import { steadyCrossEntropy } from './steady-cross-entropy.js';

const UNARY = {
  exp: 'Exp',
  rsqrt: 'Rsqrt',
  square: 'Square',
  sigmoid: 'Sigmoid',
  erf: 'Erf',
} as const satisfies Record<Unary, string>;

const BINARY = {
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  maximum: 'Maximum',
} as const satisfies Record<Binary, string>;

const REDUCTION = { sum: 'Sum', mean: 'Mean' } as const satisfies Record<Reduction, string>;

/**
 * TensorFlow's eager kernels, called through the addon's `executeOp`. tfjs's own kernels are passed over because they
 * know no bfloat16, read gather indices back to the host, and cost three times as much a call.
 */
export class TensorFlowBackend implements Backend {
  readonly name = 'tensorflow';
  readonly supportsBfloat16 = true;
  readonly usesGpu: boolean;
  readonly kernels: Kernels;
  /** Set where others were joined, before the first tensor is made. */
  collectives: Collectives | null = null;
  /** Runs operations. */
  readonly executor: Executor;
  readonly #hasNativeKernels: boolean;
  /** Whether large products of a type are ours. */
  readonly multiplies: ReadonlySet<DType>;
  #variables = 0;

  /**
   * @param options.instructionSet of the operations of `native/kernels`; null: they are not loaded
   * @param options.functions where those of a GPU's layers go; left out: their operations are called one by one
   */
  constructor(
    binding: Binding,
    { instructionSet, functions }: { instructionSet: string | null; functions?: FunctionPlace },
  ) {
    this.executor = new Executor({ binding, backend: this });
    this.usesGpu = binding.isUsingGpuDevice();
    this.#hasNativeKernels = instructionSet !== null && !this.usesGpu;
    this.multiplies = new Set(this.#hasNativeKernels ? OWN_PRODUCTS[instructionSet!] : []);
    this.kernels = this.#hasNativeKernels
      ? nativeKernels({ backend: this, executor: this.executor, multiplies: this.multiplies })
      : { ...portableKernels(this), stacked: this.#stacked(functions) };
  }

  #stacked(functions: FunctionPlace | undefined): StackedKernels {
    const { executor } = this;
    const kernels = fewLaunches({ backend: this, executor });
    return functions === undefined ? kernels : layerFunctions({ kernels, executor, place: functions });
  }

  upload(data: Float32Array | Int32Array, shape: readonly number[]): Tensor {
    const isFloat = data instanceof Float32Array;
    const id = this.executor.create(
      shape,
      isFloat ? this.executor.binding.TF_FLOAT : this.executor.binding.TF_INT32,
      data,
    );
    return new Tensor(this, id, shape, isFloat ? 'float32' : 'int32');
  }

  uploadBfloat16(bits: Uint8Array, shape: readonly number[]): Tensor {
    const bytes = this.executor.create([...shape, 2], this.executor.binding.TF_UINT8, bits);
    const [id] = this.executor.execute('Bitcast', [this.executor.type('type', TF_BFLOAT16)], [bytes], 1);
    this.executor.binding.deleteTensor(bytes);
    return new Tensor(this, id, shape, 'bfloat16');
  }

  download(tensor: Tensor): Float32Array | Int32Array {
    // Here, since no operation is being put together meanwhile.
    this.executor.trim();
    if (tensor.dtype !== 'bfloat16') return this.executor.binding.tensorDataSync(tensor.handle as number);
    const wide = this.cast(tensor, 'float32');
    const data = this.executor.binding.tensorDataSync(wide.handle as number);
    wide.dispose();
    return data;
  }

  free(handle: unknown): void {
    this.executor.binding.deleteTensor(handle as number);
  }

  liveTensors(): number {
    return this.executor.liveTensors();
  }

  handlesMade(): number {
    return this.executor.handlesMade();
  }

  cast(x: Tensor, dtype: 'float32' | 'bfloat16'): Tensor {
    const code = dtype === 'float32' ? this.executor.binding.TF_FLOAT : TF_BFLOAT16;
    return this.executor.run('Cast', [this.executor.type('DstT', code)], [x], [], dtype);
  }

  unary(op: Unary, x: Tensor): Tensor {
    return this.executor.run(UNARY[op], [], [x]);
  }

  binary(op: Binary, a: Tensor, b: Tensor): Tensor {
    return this.executor.run(BINARY[op], [], [a, b]);
  }

  scale(x: Tensor, factor: number): Tensor {
    return this.executor.run('Mul', [], [x], [this.executor.scalar(factor, x.dtype)]);
  }

  shift(x: Tensor, addend: number): Tensor {
    return this.executor.run('AddV2', [], [x], [this.executor.scalar(addend, x.dtype)]);
  }

  reduce(op: Reduction, x: Tensor, axis: number, keepDims: boolean): Tensor {
    return this.executor.run(
      REDUCTION[op],
      [this.executor.bool('keep_dims', keepDims)],
      [x],
      [this.executor.ints([axis])],
    );
  }

  matmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    if (this.multiplies.has(a.dtype)) return this.ownMatmul(a, b, transposeA, transposeB);
    if (a.shape.length === 2) {
      const attributes = [this.executor.bool('transpose_a', transposeA), this.executor.bool('transpose_b', transposeB)];
      return this.executor.run('MatMul', attributes, [a, b]);
    }
    return this.executor.run(
      'BatchMatMulV2',
      [this.executor.bool('adj_x', transposeA), this.executor.bool('adj_y', transposeB)],
      [a, b],
    );
  }

  /** The same by our own kernel. */
  ownMatmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    const options = { ints: [Number(transposeA), Number(transposeB)] };
    return this.executor.runNative({ op: 'VauMatMul', inputs: [a, b, options], outputs: [a.dtype] })[0]!;
  }

  products(x: Tensor, ws: readonly Tensor[]): Tensor[] {
    if (x.shape[0]! > this.kernels.fewRows) return ws.map((w) => this.matmul(x, w, false, true));
    const outputs = ws.map((w) => w.dtype);
    return this.executor.runNative({ op: 'VauFewRowsProducts', inputs: [x, { list: ws }], outputs });
  }

  softmax(x: Tensor): Tensor {
    return this.executor.run('Softmax', [], [x]);
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.executor.run('Reshape', [], [x], [this.executor.ints(shape)]);
  }

  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    return this.executor.run('Transpose', [], [x], [this.executor.ints(permutation)]);
  }

  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    return this.executor.run('Slice', [], [x], [this.executor.ints(begin), this.executor.ints(size)]);
  }

  pad(x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor {
    return this.executor.run('Pad', [], [x], [this.executor.pairs(paddings)]);
  }

  concat(xs: readonly Tensor[], axis: number): Tensor {
    const attributes = [
      this.executor.int('N', xs.length),
      this.executor.type('T', this.executor.code(xs[0]!.dtype)),
      this.executor.type('Tidx', this.executor.binding.TF_INT32),
    ];
    return this.executor.run('ConcatV2', attributes, xs, [this.executor.ints(axis)]);
  }

  gather(x: Tensor, indices: Tensor): Tensor {
    return this.executor.run('GatherV2', [], [x, indices], [this.executor.ints(0)], x.dtype);
  }

  swapHalves(x: Tensor): Tensor {
    // As a reversal of an axis of two: a third to a sixth of the time that `Roll` takes.
    const width = x.shape.at(-1)!;
    const pairs = this.reshape(x, [x.size / width, 2, width / 2]);
    const swapped = this.executor.run('ReverseV2', [], [pairs], [this.executor.ints([1])]);
    const result = this.reshape(swapped, x.shape);
    pairs.dispose();
    swapped.dispose();
    return result;
  }

  segmentSum(x: Tensor, segments: Tensor, count: number): Tensor {
    return this.executor.run('UnsortedSegmentSum', [], [x, segments], [this.executor.ints(count)]);
  }

  crossEntropy(logits: Tensor, labels: Tensor): { loss: Tensor; gradient: Tensor } {
    if (!this.#hasNativeKernels) return steadyCrossEntropy({ executor: this.executor, logits, labels });
    const [loss, gradient] = this.executor.runMany('SparseSoftmaxCrossEntropyWithLogits', [], [logits, labels], 2);
    return { loss: loss!, gradient: gradient! };
  }

  sampleRows(p: Tensor, u: Tensor): Tensor {
    const cumulative = this.executor.run('Cumsum', [], [p], [this.executor.ints(1)]);
    const width = p.shape[1]!;
    const total = this.slice(cumulative, [0, width - 1], [p.shape[0]!, 1]);
    const threshold = this.binary('mul', u, total);
    const [below] = this.executor.execute(
      'LessEqual',
      [],
      [cumulative.handle as number, threshold.handle as number],
      1,
    );
    // Counted in float32, which holds every index: integers are added up on the host.
    const { TF_FLOAT, TF_INT32 } = this.executor.binding;
    const [flags] = this.executor.execute('Cast', [this.executor.type('DstT', TF_FLOAT)], [below!], 1);
    const sum = [this.executor.bool('keep_dims', false)];
    const [counts] = this.executor.execute('Sum', sum, [flags!, this.executor.ints([1])], 1);
    // Rounding can leave u · total at the very end of the row: the last index is then the answer.
    const [bounded] = this.executor.execute('Minimum', [], [counts!, this.executor.scalar(width - 1)], 1);
    const [index] = this.executor.execute('Cast', [this.executor.type('DstT', TF_INT32)], [bounded!], 1);
    for (const id of [below!, flags!, counts!, bounded!]) this.executor.binding.deleteTensor(id);
    for (const tensor of [cumulative, total, threshold]) tensor.dispose();
    return new Tensor(this, index, [p.shape[0]!], 'int32');
  }

  argMax(x: Tensor): Tensor {
    return this.executor.run(
      'ArgMax',
      [this.executor.type('output_type', this.executor.binding.TF_INT32)],
      [x],
      [this.executor.ints(1)],
      'int32',
    );
  }

  topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
    const [values, indices] = this.executor.execute('TopKV2', [], [x.handle as number, this.executor.ints(k)], 2);
    const shape = [x.shape[0]!, k];
    return { values: new Tensor(this, values, shape, x.dtype), indices: new Tensor(this, indices, shape, 'int32') };
  }

  variable(initial: Tensor): Variable {
    return new ResourceVariable(this.executor, initial, `variable-${this.#variables++}`);
  }

  adam(state: AdamState, gradient: Tensor, c: AdamCoefficients): void {
    if (this.#hasNativeKernels) this.#adamInPlace(state, gradient, c);
    else this.#adamByOperations(state, gradient, c);
  }

  /** What a variable gives to read is its memory, which nobody else holds during an update. */
  #adamInPlace({ value, m, v }: AdamState, gradient: Tensor, c: AdamCoefficients): void {
    const weights = [value, m, v].map((variable) => variable.read());
    const coefficients = [c.beta1, c.beta2, c.stepSize, c.epsilon, c.decay, c.gradientScale];
    const inputs = [...weights, gradient, ...coefficients.map((scalar) => ({ scalar }))];
    const [nothing] = this.executor.runNative({ op: 'VauAdamW', inputs, outputs: ['float32'] });
    for (const tensor of [...weights, nothing!]) tensor.dispose();
  }

  #adamByOperations({ value, m, v }: AdamState, gradient: Tensor, c: AdamCoefficients): void {
    const wide = this.cast(gradient, 'float32');
    const scaled = this.scale(wide, c.gradientScale);
    if (c.decay !== 1) {
      const before = value.read();
      const decayed = this.scale(before, c.decay);
      before.dispose();
      value.assign(decayed);
      decayed.dispose();
    }
    // The bias corrections are in `stepSize` and `epsilon` already (in double precision): TensorFlow's own, made of
    // the powers of β in single precision, are switched off by powers of zero.
    const scalars = [0, 0, c.stepSize, c.beta1, c.beta2, c.epsilon].map((x) => this.executor.scalar(x));
    const resources = [value, m, v].map((variable) => (variable as ResourceVariable).handle);
    this.executor.execute('ResourceApplyAdam', [], [...resources, ...scalars, scaled.handle as number], 0);
    for (const tensor of [wide, scaled]) tensor.dispose();
  }
}
