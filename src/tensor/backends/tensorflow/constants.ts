/** More than a model needs: shapes change with the lengths of completions. */
const MAX_CONSTANTS = 8192;

/** What a small operand holds. */
export interface Constant {
  shape: readonly number[];
  /** A number of TensorFlow's types. */
  dtype: number;
  data: Int32Array | Float32Array;
}

/** Small operands (shapes, axes, scalars) that recur every step: they are made once and kept, by what they hold. */
export class Constants {
  readonly #known = new Map<string, number>();
  readonly #values = new Map<number, Constant>();
  readonly #create: (value: Constant) => number;
  readonly #free: (id: number) => void;

  constructor({ create, free }: { create: (value: Constant) => number; free: (id: number) => void }) {
    this.#create = create;
    this.#free = free;
  }

  get size(): number {
    return this.#known.size;
  }

  get(key: string, value: () => Constant): number {
    return this.computed(key, () => {
      const made = value();
      const id = this.#create(made);
      this.#values.set(id, made);
      return id;
    });
  }

  /** One that is computed on the device. */
  computed(key: string, make: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = make();
    this.#known.set(key, id);
    return id;
  }

  /** Of one that was not computed. */
  valueOf(id: number): Constant | undefined {
    return this.#values.get(id);
  }

  /** Frees all of them where they have become too many. Nobody may hold one: not while an operation is put together. */
  trim(): void {
    if (this.#known.size < MAX_CONSTANTS) return;
    for (const id of this.#known.values()) this.#free(id);
    this.#known.clear();
    this.#values.clear();
  }
}
