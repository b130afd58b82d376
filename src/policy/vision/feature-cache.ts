import { bytesOf, dispose, keep } from '../../tensor/tensor.js';
import type { VisionTokens } from '../families/family.js';
import type { FeatureFiles } from './feature-files.js';

/**
 * Keeps a frozen tower's output by video, up to a number of bytes; the least recently used leaves first. What leaves is
 * still on the disk, where there are files.
 */
export class FeatureCache {
  readonly #kept = new Map<string, VisionTokens>();
  readonly #capacity: number;
  #files: FeatureFiles | null = null;
  #bytes = 0;

  constructor({ capacity }: { capacity: number }) {
    this.#capacity = capacity;
  }

  /** From here on it is kept there too, and taken from there. */
  keepIn(files: FeatureFiles): void {
    this.#files = files;
  }

  /** The tensors belong to the cache where there is a key, else to the caller's scope. */
  get(key: string | undefined, make: () => VisionTokens): VisionTokens {
    if (key === undefined) return make();
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const stored = this.#files?.read(key) ?? null;
    const made = stored ?? make();
    if (stored === null) this.#files?.write(key, made);
    for (const tensor of [made.tokens, ...made.deep]) keep(tensor);
    this.#kept.set(key, made);
    this.#bytes += bytesOf(made);
    return made;
  }

  /** Frees what is over the capacity. Called between steps, when nobody holds a tensor of the cache. */
  trim(): void {
    for (const [key, tokens] of this.#kept) {
      if (this.#bytes <= this.#capacity) return;
      this.#kept.delete(key);
      this.#bytes -= bytesOf(tokens);
      dispose(tokens);
    }
  }

  dispose(): void {
    dispose(this.#kept);
    this.#kept.clear();
    this.#bytes = 0;
  }
}
