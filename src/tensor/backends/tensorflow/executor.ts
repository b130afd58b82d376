import type { Backend } from '../../backend.js';
import { type DType, Tensor } from '../../tensor.js';
import type { Attribute, Binding } from './binding.js';
import { type Constant, Constants } from './constants.js';

/** `DT_BFLOAT16` of TensorFlow's types.proto; tfjs has no name for it. */
export const TF_BFLOAT16 = 14;

/** An input of an operation of ours: a tensor or several, small numbers, or nothing where it may be left out. */
export type NativeInput =
  | Tensor
  | { list: readonly Tensor[] }
  | { ints: readonly number[] }
  | { scalar: number }
  | { empty: DType };

/** An operation that was run: handles of its inputs, and of its outputs with their types. */
export interface Recorded {
  op: string;
  attributes: readonly Attribute[];
  inputs: readonly number[];
  outputs: readonly { id: number; dtype: number }[];
}

/** Puts operations of TensorFlow together and runs them: attributes, small operands, handles. */
export class Executor {
  readonly binding: Binding;
  readonly #backend: Backend;
  readonly #constants: Constants;
  #handles = 0;
  #recording: Recorded[] | null = null;

  /** @param backend whose tensors come out */
  constructor({ binding, backend }: { binding: Binding; backend: Backend }) {
    this.binding = binding;
    this.#backend = backend;
    this.#constants = new Constants({
      create: ({ shape, dtype, data }) => this.create(shape, dtype, data),
      free: (id) => binding.deleteTensor(id),
    });
  }

  /** Tensors alive but for the small operands that are kept. */
  liveTensors(): number {
    return this.binding.getNumOfTensors() - this.#constants.size;
  }

  handlesMade(): number {
    return this.#handles;
  }

  /** Frees small operands where they are too many. Not while an operation is put together. */
  trim(): void {
    this.#constants.trim();
  }

  /** Runs an operation of `native/kernels`. */
  runNative(args: { op: string; inputs: readonly NativeInput[]; outputs: readonly DType[] }): Tensor[] {
    const { op, inputs, outputs } = args;
    const attributes: Attribute[] = [];
    const ids = inputs.flatMap((input) => {
      if (input instanceof Tensor) return [input.handle as number];
      if ('ints' in input) return [this.ints(input.ints)];
      if ('scalar' in input) return [this.scalar(input.scalar)];
      if ('empty' in input) return [this.empty(input.empty)];
      attributes.push(this.int('N', input.list.length), this.type('T', this.code(input.list[0]!.dtype)));
      return input.list.map((tensor) => tensor.handle as number);
    });
    const results = this.#execute(op, attributes, ids, outputs.length);
    return results.map(({ id, shape }, i) => new Tensor(this.#backend, id, shape, outputs[i]!));
  }

  run(op: string, attributes: Attribute[], inputs: readonly Tensor[], more: number[] = [], dtype?: DType): Tensor {
    const ids = inputs.map((tensor) => tensor.handle as number);
    const [out] = this.#execute(op, attributes, [...ids, ...more], 1);
    return new Tensor(this.#backend, out!.id, out!.shape, dtype ?? inputs[0]!.dtype);
  }

  runMany(
    op: string,
    attributes: Attribute[],
    inputs: readonly Tensor[],
    outputs: number,
    more: number[] = [],
  ): Tensor[] {
    const ids = inputs.map((tensor) => tensor.handle as number);
    const results = this.#execute(op, attributes, [...ids, ...more], outputs);
    return results.map(({ id, shape }) => new Tensor(this.#backend, id, shape, inputs[0]!.dtype));
  }

  execute(op: string, attributes: Attribute[], ids: readonly number[], outputs: number): number[] {
    return this.#execute(op, attributes, ids, outputs).map(({ id }) => id);
  }

  /** A function of TensorFlow's, by its name. */
  call(name: string, inputs: readonly Tensor[], dtypes: readonly DType[]): Tensor[] {
    const ids = inputs.map((tensor) => tensor.handle as number);
    const results = this.#execute(name, [], ids, dtypes.length);
    return results.map(({ id, shape }, i) => new Tensor(this.#backend, id, shape, dtypes[i]!));
  }

  /** Runs `body`, and gives the operations that it ran. */
  record<T>(body: () => T): { result: T; operations: Recorded[] } {
    const operations: Recorded[] = [];
    this.#recording = operations;
    try {
      return { result: body(), operations };
    } finally {
      this.#recording = null;
    }
  }

  #execute(op: string, attributes: Attribute[], ids: readonly number[], outputs: number) {
    this.#handles += outputs;
    const results = this.binding.executeOp(op, attributes, ids, outputs);
    this.#recording?.push({ op, attributes, inputs: ids, outputs: results });
    return results;
  }

  zeros(shape: readonly number[], dtype: DType): Tensor {
    const [id] = this.execute('Fill', [], [this.ints(shape), this.scalar(0)], 1);
    const zeros = new Tensor(this.#backend, id, shape, 'float32');
    if (dtype !== 'bfloat16') return zeros;
    const narrow = this.run('Cast', [this.type('DstT', TF_BFLOAT16)], [zeros], [], dtype);
    zeros.dispose();
    return narrow;
  }

  create(shape: readonly number[], dtype: number, data: Float32Array | Int32Array | Uint8Array): number {
    this.#handles += 1;
    return this.binding.createTensor(shape, dtype, data);
  }

  /** What one of the small operands holds; undefined where it was computed, or is none of them. */
  constant(id: number): Constant | undefined {
    return this.#constants.valueOf(id);
  }

  /** An int32 vector, or a scalar. */
  ints(values: readonly number[] | number): number {
    const isScalar = typeof values === 'number';
    return this.#constants.get(isScalar ? `i${values}` : `[${values.join()}`, () => {
      const data = isScalar ? Int32Array.of(values) : Int32Array.from(values);
      return { shape: isScalar ? [] : [data.length], dtype: this.binding.TF_INT32, data };
    });
  }

  /** An int32 matrix of two columns. */
  pairs(rows: readonly (readonly [number, number])[]): number {
    return this.#constants.get(`p${rows.join()}`, () => {
      return { shape: [rows.length, 2], dtype: this.binding.TF_INT32, data: Int32Array.from(rows.flat()) };
    });
  }

  /** An int32 vector as a tensor, which is none of `ints`. It is kept: nobody may dispose of it. */
  vector(values: readonly number[]): Tensor {
    const id = this.#constants.get(`v${values.join()}`, () => {
      return { shape: [values.length], dtype: this.binding.TF_INT32, data: Int32Array.from(values) };
    });
    return new Tensor(this.#backend, id, [values.length], 'int32');
  }

  /** `[n, 1]` float32 of one value. It is kept: nobody may dispose of it. */
  column(n: number, value: number): Tensor {
    const id = this.#constants.get(`c${n} ${value}`, () => {
      return { shape: [n, 1], dtype: this.binding.TF_FLOAT, data: new Float32Array(n).fill(value) };
    });
    return new Tensor(this.#backend, id, [n, 1], 'float32');
  }

  scalar(value: number, dtype: DType = 'float32'): number {
    if (dtype === 'bfloat16') return this.#narrowScalar(value);
    return this.#constants.get(`f${value}`, () => {
      return { shape: [], dtype: this.binding.TF_FLOAT, data: Float32Array.of(value) };
    });
  }

  #narrowScalar(value: number): number {
    const cast = (id: number) => this.execute('Cast', [this.type('DstT', TF_BFLOAT16)], [id], 1)[0]!;
    return this.#constants.computed(`b${value}`, () => cast(this.scalar(value)));
  }

  empty(dtype: DType): number {
    return this.#constants.computed(`empty ${dtype}`, () => this.zeros([0], dtype).handle as number);
  }

  code(dtype: DType): number {
    if (dtype === 'bfloat16') return TF_BFLOAT16;
    return dtype === 'float32' ? this.binding.TF_FLOAT : this.binding.TF_INT32;
  }

  type(name: string, value: number): Attribute {
    return { name, type: this.binding.TF_ATTR_TYPE, value };
  }

  bool(name: string, value: boolean): Attribute {
    return { name, type: this.binding.TF_ATTR_BOOL, value };
  }

  int(name: string, value: number): Attribute {
    return { name, type: this.binding.TF_ATTR_INT, value };
  }
}
