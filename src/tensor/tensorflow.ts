import type { AdamCoefficients, AdamState, Backend, Binary, Reduction, Unary, Variable } from './backend.js';
import type { Attribute, Binding } from './binding.js';
import { Constants } from './constants.js';
import type { Kernels } from './kernels.js';
import { nativeKernels } from './native-kernels.js';
import { portableKernels } from './portable-kernels.js';
import { ResourceVariable } from './resource-variable.js';
import { type DType, Tensor } from './tensor.js';

/** `DT_BFLOAT16` of TensorFlow's types.proto; tfjs has no name for it. */
const TF_BFLOAT16 = 14;

const UNARY = {
  exp: 'Exp',
  log: 'Log',
  rsqrt: 'Rsqrt',
  square: 'Square',
  sigmoid: 'Sigmoid',
  erf: 'Erf',
  neg: 'Neg',
} as const satisfies Record<Unary, string>;

const BINARY = {
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  maximum: 'Maximum',
} as const satisfies Record<Binary, string>;

const REDUCTION = { sum: 'Sum', mean: 'Mean', max: 'Max' } as const satisfies Record<Reduction, string>;

/**
 * Types in which our own products are quicker than TensorFlow's, by instruction set. It is written down, and not measured
 * when a run starts, since a resumed run has to end with the same bits.
 */
const OWN_PRODUCTS: Partial<Record<string, readonly DType[]>> = {
  avx512_bf16: ['float32'],
  avx512: ['float32', 'bfloat16'],
  avx2: ['float32', 'bfloat16'],
};

/** An input of an operation of ours: a tensor or several, small numbers, or nothing where it may be left out. */
export type NativeInput =
  | Tensor
  | { list: readonly Tensor[] }
  | { ints: readonly number[] }
  | { scalar: number }
  | { empty: DType };

/**
 * TensorFlow's eager kernels, called through the addon's `executeOp`. tfjs's own kernels are passed over because they
 * know no bfloat16, read gather indices back to the host, and cost three times as much a call.
 */
export class TensorFlowBackend implements Backend {
  readonly name = 'tensorflow';
  readonly supportsBfloat16 = true;
  readonly usesGpu: boolean;
  readonly binding: Binding;
  readonly kernels: Kernels;
  readonly #hasNativeKernels: boolean;
  /** Whether large products of a type are ours. */
  readonly multiplies: ReadonlySet<DType>;
  readonly #constants: Constants;
  #handles = 0;
  #variables = 0;

  /** @param instructionSet of the operations of `native/kernels`; null: they are not loaded */
  constructor(binding: Binding, { instructionSet }: { instructionSet: string | null }) {
    this.binding = binding;
    this.#constants = new Constants((id) => binding.deleteTensor(id));
    this.usesGpu = binding.isUsingGpuDevice();
    this.#hasNativeKernels = instructionSet !== null && !this.usesGpu;
    this.multiplies = new Set(this.#hasNativeKernels ? OWN_PRODUCTS[instructionSet!] : []);
    this.kernels = this.#hasNativeKernels ? nativeKernels(this, { multiplies: this.multiplies }) : portableKernels;
  }

  upload(data: Float32Array | Int32Array, shape: readonly number[]): Tensor {
    const isFloat = data instanceof Float32Array;
    const id = this.#create(shape, isFloat ? this.binding.TF_FLOAT : this.binding.TF_INT32, data);
    return new Tensor(this, id, shape, isFloat ? 'float32' : 'int32');
  }

  uploadBfloat16(bits: Uint8Array, shape: readonly number[]): Tensor {
    const bytes = this.#create([...shape, 2], this.binding.TF_UINT8, bits);
    const [id] = this.#execute('Bitcast', [this.#type('type', TF_BFLOAT16)], [bytes], 1);
    this.binding.deleteTensor(bytes);
    return new Tensor(this, id, shape, 'bfloat16');
  }

  download(tensor: Tensor): Float32Array | Int32Array {
    // Here, since no operation is being put together meanwhile.
    this.#constants.trim();
    if (tensor.dtype !== 'bfloat16') return this.binding.tensorDataSync(tensor.handle as number);
    const wide = this.cast(tensor, 'float32');
    const data = this.binding.tensorDataSync(wide.handle as number);
    wide.dispose();
    return data;
  }

  free(handle: unknown): void {
    this.binding.deleteTensor(handle as number);
  }

  liveTensors(): number {
    return this.binding.getNumOfTensors() - this.#constants.size;
  }

  handlesMade(): number {
    return this.#handles;
  }

  cast(x: Tensor, dtype: 'float32' | 'bfloat16'): Tensor {
    const code = dtype === 'float32' ? this.binding.TF_FLOAT : TF_BFLOAT16;
    return this.#run('Cast', [this.#type('DstT', code)], [x], [], dtype);
  }

  unary(op: Unary, x: Tensor): Tensor {
    return this.#run(UNARY[op], [], [x]);
  }

  binary(op: Binary, a: Tensor, b: Tensor): Tensor {
    return this.#run(BINARY[op], [], [a, b]);
  }

  scale(x: Tensor, factor: number): Tensor {
    return this.#run('Mul', [], [x], [this.#scalar(factor, x.dtype)]);
  }

  shift(x: Tensor, addend: number): Tensor {
    return this.#run('AddV2', [], [x], [this.#scalar(addend, x.dtype)]);
  }

  reduce(op: Reduction, x: Tensor, axis: number, keepDims: boolean): Tensor {
    return this.#run(REDUCTION[op], [this.#bool('keep_dims', keepDims)], [x], [this.#ints([axis])]);
  }

  matmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    if (this.multiplies.has(a.dtype)) return this.ownMatmul(a, b, transposeA, transposeB);
    if (a.shape.length === 2) {
      const attributes = [this.#bool('transpose_a', transposeA), this.#bool('transpose_b', transposeB)];
      return this.#run('MatMul', attributes, [a, b]);
    }
    return this.#run('BatchMatMulV2', [this.#bool('adj_x', transposeA), this.#bool('adj_y', transposeB)], [a, b]);
  }

  /** The same by our own kernel. */
  ownMatmul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
    const options = { ints: [Number(transposeA), Number(transposeB)] };
    return this.runNative({ op: 'VauMatMul', inputs: [a, b, options], outputs: [a.dtype] })[0]!;
  }

  products(x: Tensor, ws: readonly Tensor[]): Tensor[] {
    if (x.shape[0]! > this.kernels.fewRows) return ws.map((w) => this.matmul(x, w, false, true));
    const outputs = ws.map((w) => w.dtype);
    return this.runNative({ op: 'VauFewRowsProducts', inputs: [x, { list: ws }], outputs });
  }

  softmax(x: Tensor): Tensor {
    return this.#run('Softmax', [], [x]);
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.#run('Reshape', [], [x], [this.#ints(shape)]);
  }

  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    return this.#run('Transpose', [], [x], [this.#ints(permutation)]);
  }

  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    return this.#run('Slice', [], [x], [this.#ints(begin), this.#ints(size)]);
  }

  concat(xs: readonly Tensor[], axis: number): Tensor {
    const attributes = [
      this.#int('N', xs.length),
      this.#type('T', this.#code(xs[0]!.dtype)),
      this.#type('Tidx', this.binding.TF_INT32),
    ];
    return this.#run('ConcatV2', attributes, xs, [this.#ints(axis)]);
  }

  gather(x: Tensor, indices: Tensor): Tensor {
    return this.#run('GatherV2', [], [x, indices], [this.#ints(0)], x.dtype);
  }

  swapHalves(x: Tensor): Tensor {
    // As a reversal of an axis of two: a third to a sixth of the time that `Roll` takes.
    const width = x.shape.at(-1)!;
    const pairs = this.reshape(x, [x.size / width, 2, width / 2]);
    const swapped = this.#run('ReverseV2', [], [pairs], [this.#ints([1])]);
    const result = this.reshape(swapped, x.shape);
    pairs.dispose();
    swapped.dispose();
    return result;
  }

  segmentSum(x: Tensor, segments: Tensor, count: number): Tensor {
    return this.#run('UnsortedSegmentSum', [], [x, segments], [this.#ints(count)]);
  }

  crossEntropy(logits: Tensor, labels: Tensor): { loss: Tensor; gradient: Tensor } {
    const [loss, gradient] = this.#runMany('SparseSoftmaxCrossEntropyWithLogits', [], [logits, labels], 2);
    return { loss: loss!, gradient: gradient! };
  }

  sampleRows(p: Tensor, u: Tensor): Tensor {
    const cumulative = this.#run('Cumsum', [], [p], [this.#ints(1)]);
    const width = p.shape[1]!;
    const total = this.slice(cumulative, [0, width - 1], [p.shape[0]!, 1]);
    const threshold = this.binary('mul', u, total);
    const [below] = this.#execute('LessEqual', [], [cumulative.handle as number, threshold.handle as number], 1);
    const [flags] = this.#execute('Cast', [this.#type('DstT', this.binding.TF_INT32)], [below!], 1);
    const [counts] = this.#execute('Sum', [this.#bool('keep_dims', false)], [flags!, this.#ints([1])], 1);
    // Rounding can leave u · total at the very end of the row: the last index is then the answer.
    const [index] = this.#execute('Minimum', [], [counts!, this.#ints(width - 1)], 1);
    for (const id of [below!, flags!, counts!]) this.binding.deleteTensor(id);
    for (const tensor of [cumulative, total, threshold]) tensor.dispose();
    return new Tensor(this, index, [p.shape[0]!], 'int32');
  }

  argMax(x: Tensor): Tensor {
    return this.#run('ArgMax', [this.#type('output_type', this.binding.TF_INT32)], [x], [this.#ints(1)], 'int32');
  }

  topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
    const [values, indices] = this.#execute('TopKV2', [], [x.handle as number, this.#ints(k)], 2);
    const shape = [x.shape[0]!, k];
    return { values: new Tensor(this, values, shape, x.dtype), indices: new Tensor(this, indices, shape, 'int32') };
  }

  variable(initial: Tensor): Variable {
    return new ResourceVariable(this, initial, `variable-${this.#variables++}`);
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
    const [nothing] = this.runNative({ op: 'VauAdamW', inputs, outputs: ['float32'] });
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
    const scalars = [0, 0, c.stepSize, c.beta1, c.beta2, c.epsilon].map((x) => this.#scalar(x));
    const resources = [value, m, v].map((variable) => (variable as ResourceVariable).handle);
    this.#execute('ResourceApplyAdam', [], [...resources, ...scalars, scaled.handle as number], 0);
    for (const tensor of [wide, scaled]) tensor.dispose();
  }

  /** Runs an operation of `native/kernels`. */
  runNative(args: { op: string; inputs: readonly NativeInput[]; outputs: readonly DType[] }): Tensor[] {
    const { op, inputs, outputs } = args;
    const attributes: Attribute[] = [];
    const ids = inputs.flatMap((input) => {
      if (input instanceof Tensor) return [input.handle as number];
      if ('ints' in input) return [this.#ints(input.ints)];
      if ('scalar' in input) return [this.#scalar(input.scalar)];
      if ('empty' in input) return [this.#empty(input.empty)];
      attributes.push(this.#int('N', input.list.length), this.#type('T', this.#code(input.list[0]!.dtype)));
      return input.list.map((tensor) => tensor.handle as number);
    });
    this.#handles += outputs.length;
    const results = this.binding.executeOp(op, attributes, ids, outputs.length);
    return results.map(({ id, shape }, i) => new Tensor(this, id, shape, outputs[i]!));
  }

  zeros(shape: readonly number[], dtype: DType): Tensor {
    const [id] = this.#execute('Fill', [], [this.#ints(shape), this.#scalar(0)], 1);
    const zeros = new Tensor(this, id, shape, 'float32');
    if (dtype !== 'bfloat16') return zeros;
    const narrow = this.cast(zeros, dtype);
    zeros.dispose();
    return narrow;
  }

  /** The value of a resource variable; it shares the variable's memory. */
  readResource(handle: number, shape: readonly number[]): Tensor {
    const [id] = this.#execute('ReadVariableOp', [this.#type('dtype', this.binding.TF_FLOAT)], [handle], 1);
    return new Tensor(this, id, shape, 'float32');
  }

  makeResource(name: string, shape: readonly number[]): number {
    const attributes = [
      { name: 'container', type: this.binding.TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: this.binding.TF_ATTR_STRING, value: name },
      this.#type('dtype', this.binding.TF_FLOAT),
      { name: 'shape', type: this.binding.TF_ATTR_SHAPE, value: shape },
    ];
    return this.#execute('VarHandleOp', attributes, [], 1)[0]!;
  }

  assignResource(handle: number, value: Tensor): void {
    const attributes = [this.#type('dtype', this.binding.TF_FLOAT)];
    this.#execute('AssignVariableOp', attributes, [handle, value.handle as number], 0);
  }

  destroyResource(handle: number): void {
    this.#execute('DestroyResourceOp', [this.#bool('ignore_lookup_error', true)], [handle], 0);
    this.binding.deleteTensor(handle);
  }

  #run(op: string, attributes: Attribute[], inputs: readonly Tensor[], more: number[] = [], dtype?: DType): Tensor {
    const ids = inputs.map((tensor) => tensor.handle as number);
    this.#handles += 1;
    const [out] = this.binding.executeOp(op, attributes, [...ids, ...more], 1);
    return new Tensor(this, out!.id, out!.shape, dtype ?? inputs[0]!.dtype);
  }

  #runMany(op: string, attributes: Attribute[], inputs: readonly Tensor[], outputs: number): Tensor[] {
    const ids = inputs.map((tensor) => tensor.handle as number);
    this.#handles += outputs;
    const results = this.binding.executeOp(op, attributes, ids, outputs);
    return results.map(({ id, shape }) => new Tensor(this, id, shape, inputs[0]!.dtype));
  }

  #execute(op: string, attributes: Attribute[], ids: readonly number[], outputs: number): number[] {
    this.#handles += outputs;
    return this.binding.executeOp(op, attributes, ids, outputs).map(({ id }) => id);
  }

  #create(shape: readonly number[], dtype: number, data: Float32Array | Int32Array | Uint8Array): number {
    this.#handles += 1;
    return this.binding.createTensor(shape, dtype, data);
  }

  /** An int32 vector, or a scalar. */
  #ints(values: readonly number[] | number): number {
    const isScalar = typeof values === 'number';
    const key = isScalar ? `i${values}` : `[${values.join()}`;
    const make = () => {
      const data = isScalar ? Int32Array.of(values) : Int32Array.from(values);
      return this.#create(isScalar ? [] : [data.length], this.binding.TF_INT32, data);
    };
    return this.#constants.get(key, make);
  }

  #scalar(value: number, dtype: DType = 'float32'): number {
    if (dtype === 'bfloat16') return this.#narrowScalar(value);
    return this.#constants.get(`f${value}`, () => this.#create([], this.binding.TF_FLOAT, Float32Array.of(value)));
  }

  #narrowScalar(value: number): number {
    const cast = (id: number) => this.#execute('Cast', [this.#type('DstT', TF_BFLOAT16)], [id], 1)[0]!;
    return this.#constants.get(`b${value}`, () => cast(this.#scalar(value)));
  }

  #empty(dtype: DType): number {
    return this.#constants.get(`empty ${dtype}`, () => this.zeros([0], dtype).handle as number);
  }

  #code(dtype: DType): number {
    if (dtype === 'bfloat16') return TF_BFLOAT16;
    return dtype === 'float32' ? this.binding.TF_FLOAT : this.binding.TF_INT32;
  }

  #type(name: string, value: number): Attribute {
    return { name, type: this.binding.TF_ATTR_TYPE, value };
  }

  #bool(name: string, value: boolean): Attribute {
    return { name, type: this.binding.TF_ATTR_BOOL, value };
  }

  #int(name: string, value: number): Attribute {
    return { name, type: this.binding.TF_ATTR_INT, value };
  }
}
