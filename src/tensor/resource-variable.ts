import type { Variable } from './backend.js';
import type { Tensor } from './tensor.js';
import type { TensorFlowBackend } from './tensorflow.js';

/** A weight as a resource variable of TensorFlow. */
export class ResourceVariable implements Variable {
  readonly handle: number;
  readonly shape: readonly number[];
  readonly #backend: TensorFlowBackend;

  constructor(backend: TensorFlowBackend, initial: Tensor, name: string) {
    this.#backend = backend;
    this.shape = initial.shape;
    this.handle = backend.makeResource(name, initial.shape);
    backend.assignResource(this.handle, initial);
  }

  read(): Tensor {
    return this.#backend.readResource(this.handle, this.shape);
  }

  assign(value: Tensor): void {
    this.#backend.assignResource(this.handle, value);
  }

  dispose(): void {
    this.#backend.destroyResource(this.handle);
  }
}
