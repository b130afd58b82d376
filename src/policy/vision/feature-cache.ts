import { dispose, keep, type Tensor } from '../../tensor/tensor.js';

/** Keeps a frozen tower's output by video, up to a number of bytes; the least recently used leaves first. */
export class FeatureCache {
  readonly #kept = new Map<string, Tensor>();
  readonly #capacity: number;
  #bytes = 0;

  constructor({ capacity }: { capacity: number }) {
    this.#capacity = capacity;
  }

  /** The tensor belongs to the cache where there is a key, else to the caller's scope. */
  get(key: string | undefined, make: () => Tensor): Tensor {
    if (key === undefined) return make();
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const made = keep(make());
    this.#kept.set(key, made);
    this.#bytes += made.bytes;
    return made;
  }

  /** Frees what is over the capacity. Called between steps, when nobody holds a tensor of the cache. */
  trim(): void {
    for (const [key, tensor] of this.#kept) {
      if (this.#bytes <= this.#capacity) return;
      this.#kept.delete(key);
      this.#bytes -= tensor.bytes;
      tensor.dispose();
    }
  }

  dispose(): void {
    dispose(this.#kept);
    this.#kept.clear();
    this.#bytes = 0;
  }
}
