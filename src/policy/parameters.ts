import { ModelError } from '../system/errors.js';
import { activeBackend } from '../tensor/active.js';
import type { Variable } from '../tensor/backend.js';
import { add, cast, concat, rows } from '../tensor/ops.js';
import { dispose, keep, scope, type Tensor, track } from '../tensor/tensor.js';

/** The type that matrices are multiplied in; sums, norms, softmax and log-probabilities are float32 always. */
export type ComputeType = 'float32' | 'bfloat16';

/** A low-rank update of a linear layer: W + scale · B A (Hu et al. 2021). */
export interface Adapter {
  /** `[r, in]` */
  a: Tensor;
  /** `[out, r]` */
  b: Tensor;
  /** lora_alpha / r, or lora_alpha / √r */
  scale: number;
}

/** Names of an adapter's two matrices, in the way of peft. */
export const adapterNames = (linear: string): { a: string; b: string } => ({
  a: `${linear}.lora_A.weight`,
  b: `${linear}.lora_B.weight`,
});

interface Trainable {
  variable: Variable;
  /** The value in the type that it is used in, made at the first use after an update: a copy, or the variable's own. */
  value: Tensor | null;
}

/** No name has it. */
const SEPARATOR = ' ';

interface ParametersStart {
  type: ComputeType;
  frozen?: Map<string, Tensor>;
  stacks?: Map<string, Tensor>;
}

/**
 * The weights of a policy: frozen ones in the compute type (matrices) or float32 (vectors), trainable ones as float32
 * masters that are updated in place; and the gradients that have been added up so far.
 */
export class Parameters {
  readonly type: ComputeType;
  readonly gradients = new Map<string, Tensor>();
  readonly #frozen: Map<string, Tensor>;
  /** Frozen matrices that lie one below the other, by their names. */
  readonly #stacks: Map<string, Tensor>;
  readonly #trainable = new Map<string, Trainable>();
  /** By adapted layer. */
  readonly #adapterScales = new Map<string, number>();

  constructor({ type, frozen = new Map(), stacks = new Map() }: ParametersStart) {
    this.type = type;
    this.#frozen = frozen;
    this.#stacks = stacks;
  }

  /** Takes over a float32 or bfloat16 tensor as a frozen weight. */
  addFrozen(name: string, value: Tensor): void {
    this.#frozen.set(name, keep(value));
  }

  /** Puts another tensor of the same shape and type in the place of a frozen weight. */
  replaceFrozen(name: string, make: (before: Tensor) => Tensor): void {
    const before = this.#frozen.get(name)!;
    this.#frozen.set(
      name,
      scope(() => keep(make(before))),
    );
    before.dispose();
    for (const [names, stack] of this.#stacks) {
      if (!names.split(SEPARATOR).includes(name)) continue;
      stack.dispose();
      this.#stacks.delete(names);
    }
  }

  /** Copies a float32 tensor into a variable under training. */
  addTrainable(name: string, value: Tensor): void {
    this.#trainable.set(name, { variable: activeBackend().variable(value), value: null });
  }

  /** Puts the factors of a layer, which are there by their names, to use. */
  useAdapter(layer: string, scale: number): void {
    this.#adapterScales.set(layer, scale);
  }

  /** Whether a layer whose name starts so has an adapter. */
  hasAdaptersIn(start: string): boolean {
    return [...this.#adapterScales.keys()].some((layer) => layer.startsWith(start));
  }

  /** The same frozen weights without adapters and what is trained beside them: the reference of a low-rank policy. */
  withoutAdapters(): Parameters {
    return new Parameters({ type: this.type, frozen: this.#frozen, stacks: this.#stacks });
  }

  has(name: string): boolean {
    return this.#frozen.has(name) || this.#trainable.has(name);
  }

  isTrainable(name: string): boolean {
    return this.#trainable.has(name);
  }

  get frozenNames(): string[] {
    return [...this.#frozen.keys()];
  }

  get trainableNames(): string[] {
    return [...this.#trainable.keys()];
  }

  /** The weight as it is multiplied with. The caller must not dispose of it. */
  get(name: string): Tensor {
    const trainable = this.#trainable.get(name);
    if (trainable === undefined) {
      const frozen = this.#frozen.get(name);
      if (frozen !== undefined) return frozen;
      throw new ModelError({ code: 'WEIGHT_MISSING', message: `no weight named ${name}` });
    }
    const type = trainable.variable.shape.length === 1 ? 'float32' : this.type;
    trainable.value ??= scope(() => keep(cast(this.master(name), type)));
    return trainable.value;
  }

  /**
   * Frozen matrices `[out, in]` as one, `[Σ out, in]`, which stays: they become views of it, so that it takes no memory of its
   * own. Null where one of them is trained.
   */
  frozenStack(names: readonly string[]): Tensor | null {
    if (names.some((name) => this.isTrainable(name))) return null;
    const key = names.join(SEPARATOR);
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    const values = names.map((name) => this.get(name));
    const stack = scope(() => keep(concat(values, 0)));
    let start = 0;
    for (const name of names) {
      this.replaceFrozen(name, ({ shape: [count] }) => rows(stack, start, count!));
      start += this.get(name).shape[0]!;
    }
    this.#stacks.set(key, stack);
    return stack;
  }

  adapter(linear: string): Adapter | undefined {
    const scale = this.#adapterScales.get(linear);
    if (scale === undefined) return undefined;
    const names = adapterNames(linear);
    return { a: this.get(names.a), b: this.get(names.b), scale };
  }

  /** A weight in float32, of a trained one what is updated. It belongs to the innermost scope, or to nobody else. */
  inFloat32(name: string): Tensor {
    return this.isTrainable(name) ? this.master(name) : cast(this.get(name), 'float32');
  }

  /** The float32 value of a trained weight. It belongs to the innermost scope. */
  master(name: string): Tensor {
    return track(this.variable(name).read());
  }

  variable(name: string): Variable {
    return this.#trainable.get(name)!.variable;
  }

  /** Adds to a weight's gradient, in the weight's shape; sums are float32. */
  accumulate(name: string, gradient: Tensor): void {
    const before = this.gradients.get(name);
    const sum = () => scope(() => add(cast(before!, 'float32'), cast(gradient, 'float32')));
    this.gradients.set(name, keep(before === undefined ? gradient : sum()));
    before?.dispose();
  }

  clearGradients(): void {
    for (const gradient of this.gradients.values()) gradient.dispose();
    this.gradients.clear();
  }

  /** One optimizer step on a weight, in place. */
  update(name: string, step: (variable: Variable) => void): void {
    const trainable = this.#trainable.get(name)!;
    // A value that shares the variable's memory would make the update copy it.
    trainable.value?.dispose();
    trainable.value = null;
    step(trainable.variable);
  }

  dispose(): void {
    this.clearGradients();
    dispose(this.#frozen, this.#stacks);
    for (const { variable, value } of this.#trainable.values()) {
      value?.dispose();
      variable.dispose();
    }
  }
}
