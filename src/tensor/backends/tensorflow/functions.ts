import type { DType, Tensor } from '../../tensor.js';
import type { Executor, Recorded } from './executor.js';
import { type FunctionNode, functionDef, type Source } from './function-def.js';

/** Numbers the functions of this process: TensorFlow keeps each for good. */
let made = 0;

/** Where functions go. */
export interface FunctionPlace {
  add(definition: Uint8Array): void;
  /** Hears why one was not taken: what it is made of is called one by one then. */
  refused(error: Error): void;
}

interface Known {
  name: string;
  dtypes: readonly DType[];
}

/**
 * Passes that TensorFlow runs as functions of its own: one call, where each operation would be one. A pass is recorded as it runs
 * for the first time, and has to be put together of its inputs and of small operands alone.
 */
export class Functions {
  readonly #executor: Executor;
  readonly #place: FunctionPlace;
  /** Null: it cannot be one. */
  readonly #known = new Map<string, Known | null>();

  constructor({ executor, place }: { executor: Executor; place: FunctionPlace }) {
    this.#executor = executor;
    this.#place = place;
  }

  /**
   * What `pass` makes of `inputs`.
   *
   * @param key the same for all inputs for which it runs the same operations with the same small operands
   */
  call(key: string, inputs: readonly Tensor[], pass: () => Tensor[]): Tensor[] {
    const known = this.#known.get(key);
    if (known === null) return pass();
    if (known !== undefined) return this.#executor.call(known.name, inputs, known.dtypes);
    const { result, operations } = this.#executor.record(pass);
    try {
      const added = this.#define(inputs, operations, result);
      // The first call is one of the function, too: a run that is resumed computes the same.
      const found = this.#executor.call(added.name, inputs, added.dtypes);
      this.#known.set(key, added);
      for (const tensor of result) tensor.dispose();
      return found;
    } catch (error) {
      this.#known.set(key, null);
      this.#place.refused(error as Error);
      return result;
    }
  }

  #define(inputs: readonly Tensor[], operations: readonly Recorded[], results: readonly Tensor[]): Known {
    const { binding } = this.#executor;
    const sources = new Map<number, { source: Source; dtype: number }>();
    for (const [index, { handle, dtype }] of inputs.entries())
      sources.set(handle as number, { source: { kind: 'argument', index }, dtype: this.#executor.code(dtype) });
    // Which of the two an operation means would be a guess.
    if (sources.size < inputs.length) throw new Error('two inputs are one tensor');
    const sourceOf = (id: number) => {
      const known = sources.get(id);
      if (known !== undefined) return known;
      const value = this.#executor.constant(id);
      if (value === undefined) throw new Error('the pass takes something that is no input of it');
      const constant = { source: { kind: 'constant', value } as const, dtype: value.dtype };
      sources.set(id, constant);
      return constant;
    };
    const nodes = operations.map(({ op, attributes, inputs: ids, outputs }, index): FunctionNode => {
      const taken = ids.map(sourceOf);
      for (const [output, { id, dtype }] of outputs.entries())
        sources.set(id, { source: { kind: 'node', index, output }, dtype });
      return { op, attributes, inputs: taken.map(({ source }) => source), inputTypes: taken.map(({ dtype }) => dtype) };
    });
    const name = `VauFunction${++made}`;
    const argumentTypes = inputs.map(({ dtype }) => this.#executor.code(dtype));
    const ends = results.map(({ handle }) => sourceOf(handle as number));
    this.#place.add(functionDef({ binding, name, argumentTypes, nodes, results: ends }));
    return { name, dtypes: results.map(({ dtype }) => dtype) };
  }
}
