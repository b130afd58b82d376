import { describe, expect, it } from 'vitest';
import { TensorFlowBackend } from '../../src/tensor/backends/tensorflow/backend.js';
import { Functions } from '../../src/tensor/backends/tensorflow/functions.js';
import { add, reshape } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope, type Tensor, track } from '../../src/tensor/tensor.js';
import { contextHere } from './context.js';
import { random, result, toDevice } from './plain.js';

const backend = await startRuntime({ report: () => {} });
const tensorflow = backend instanceof TensorFlowBackend ? backend : null;
const context = tensorflow === null ? null : await contextHere();

describe.runIf(context !== null)('Functions', () => {
  const open = () => {
    const refused: string[] = [];
    const place = { add: context!.addFunction, refused: ({ message }: Error) => refused.push(message) };
    return { functions: new Functions({ executor: tensorflow!.executor, place }), refused };
  };

  it('an input and a small operand that hold the same are two things', () => {
    const { functions, refused } = open();
    const { executor } = tensorflow!;
    const x = random([4, 3], 1);
    // Rows from the first input on as two rows: `sizes` and the shape that is asked for are the same numbers once.
    const rowsOf = (first: number) =>
      result(() => {
        const [rows, sizes] = [toDevice(x), executor.vector([first, -1])];
        const attributes = [executor.int('num_split', 2), executor.type('Tlen', executor.binding.TF_INT32)];
        const pass = (): Tensor[] =>
          scope(() => {
            const [part] = executor.runMany('SplitV', attributes, [rows, sizes], 2, [executor.ints(0)]).map(track);
            return [reshape(part!, [2, -1])];
          });
        return track(functions.call('rows', [rows, sizes], pass)[0]!);
      });
    expect(rowsOf(2)).toEqual({ shape: [2, 3], data: x.data.slice(0, 6) });
    expect(rowsOf(4)).toEqual({ shape: [2, 6], data: x.data });
    expect(refused).toEqual([]);
  });

  it('refuses a pass of which two inputs are one tensor, and runs its operations', () => {
    const { functions, refused } = open();
    const x = random([2, 2], 1);
    const twice = () =>
      result(() => {
        const one = toDevice(x);
        return functions.call('sum', [one, one], () => [add(one, one)])[0]!;
      });
    for (const _ of [1, 2]) expect([...twice().data]).toEqual([...x.data].map((value) => 2 * Math.fround(value)));
    expect(refused).toEqual(['two inputs are one tensor']);
  });
});
