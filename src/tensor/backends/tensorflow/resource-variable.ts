import type { Variable } from '../../backend.js';
import type { Tensor } from '../../tensor.js';
import type { Executor } from './executor.js';

/** A weight as a resource variable of TensorFlow. */
export class ResourceVariable implements Variable {
  readonly handle: number;
  readonly shape: readonly number[];
  readonly #tf: Executor;

  constructor(tf: Executor, initial: Tensor, name: string) {
    const { binding } = tf;
    this.#tf = tf;
    this.shape = initial.shape;
    const attributes = [
      { name: 'container', type: binding.TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: binding.TF_ATTR_STRING, value: name },
      tf.type('dtype', binding.TF_FLOAT),
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: initial.shape },
    ];
    this.handle = tf.execute('VarHandleOp', attributes, [], 1)[0]!;
    this.assign(initial);
  }

  /** It shares the variable's memory. */
  read(): Tensor {
    const attributes = [this.#tf.type('dtype', this.#tf.binding.TF_FLOAT)];
    return this.#tf.run('ReadVariableOp', attributes, [], [this.handle], 'float32');
  }

  assign(value: Tensor): void {
    const attributes = [this.#tf.type('dtype', this.#tf.binding.TF_FLOAT)];
    this.#tf.execute('AssignVariableOp', attributes, [this.handle, value.handle as number], 0);
  }

  dispose(): void {
    this.#tf.execute('DestroyResourceOp', [this.#tf.bool('ignore_lookup_error', true)], [this.handle], 0);
    this.#tf.binding.deleteTensor(this.handle);
  }
}
