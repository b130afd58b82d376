/** More than a model needs: shapes change with the lengths of completions. */
const MAX_CONSTANTS = 8192;

/** Small operands (shapes, axes, scalars) that recur every step: they are made once and kept, by what they hold. */
export class Constants {
  readonly #known = new Map<string, number>();
  readonly #free: (id: number) => void;

  constructor(free: (id: number) => void) {
    this.#free = free;
  }

  get size(): number {
    return this.#known.size;
  }

  get(key: string, make: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = make();
    this.#known.set(key, id);
    return id;
  }

  /** Frees all of them where they have become too many. Nobody may hold one: not while an operation is put together. */
  trim(): void {
    if (this.#known.size < MAX_CONSTANTS) return;
    for (const id of this.#known.values()) this.#free(id);
    this.#known.clear();
  }
}
