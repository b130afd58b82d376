/** What a backend knows a tensor by: TensorFlow's handle number, or a tfjs tensor. */
export type Handle = unknown;

/** The backend that a tensor lies on. */
interface Owner {
  free(handle: Handle): void;
}

export type DType = 'float32' | 'bfloat16' | 'int32';

/** An immutable array on the device. Freed by the `scope` it was made in, or by `dispose`. */
export class Tensor {
  #alive = true;
  /** Set by `keep`: no scope frees it. */
  kept = false;

  constructor(
    readonly backend: Owner,
    readonly handle: Handle,
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {}

  get size(): number {
    return this.shape.reduce((product, dimension) => product * dimension, 1);
  }

  get bytes(): number {
    return this.size * (this.dtype === 'bfloat16' ? 2 : 4);
  }

  /** Frees the device memory; a second call does nothing. */
  dispose(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.backend.free(this.handle);
  }
}

let current: Tensor[] | null = null;

/** Puts a new tensor under the care of the innermost scope. */
export function track(tensor: Tensor): Tensor {
  current?.push(tensor);
  return tensor;
}

/**
 * Runs `body` and frees every tensor that it made, except those in its result (also inside arrays, maps, objects).
 *
 * @throws Error where `body` gives a promise: what it makes later would be in the care of whoever runs then
 */
export function scope<T>(body: () => T): T {
  const parent = current;
  const made: Tensor[] = [];
  current = made;
  let result: T;
  try {
    result = body();
    if (result instanceof Promise) throw waitsInScope(result);
  } catch (error) {
    for (const tensor of made) if (!tensor.kept) tensor.dispose();
    throw error;
  } finally {
    current = parent;
  }
  const survivors = new Set<Tensor>();
  collect(result, survivors);
  for (const tensor of made) {
    if (tensor.kept) continue;
    if (survivors.has(tensor)) parent?.push(tensor);
    else tensor.dispose();
  }
  return result;
}

function waitsInScope(promise: Promise<unknown>): Error {
  // It may fail too, and nobody waits for it any more.
  promise.catch(() => {});
  return new Error('a scope was given an asynchronous body, and ends before that does: wait outside of it');
}

/** Takes a tensor out of the care of all scopes: it lives until somebody disposes of it (weights, caches). */
export function keep(tensor: Tensor): Tensor {
  tensor.kept = true;
  return tensor;
}

/** Frees every tensor found in `value` (a tensor, or arrays, maps and plain objects of them). */
export function dispose(...values: unknown[]): void {
  const found = new Set<Tensor>();
  collect(values, found);
  for (const tensor of found) tensor.dispose();
}

/** Bytes of the tensors found in `value`. */
export function bytesOf(value: unknown): number {
  const found = new Set<Tensor>();
  collect(value, found);
  let bytes = 0;
  for (const tensor of found) bytes += tensor.bytes;
  return bytes;
}

function collect(value: unknown, into: Set<Tensor>): void {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (value instanceof Map) for (const item of value.values()) collect(item, into);
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) collect(item, into);
}
