import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useBackend } from '../../src/tensor/active.js';
import type { Backend, Binary, Reduction, Unary } from '../../src/tensor/backend.js';
import { TensorFlowBackend } from '../../src/tensor/backends/tensorflow/backend.js';
import * as ops from '../../src/tensor/ops.js';
import { scope, type Tensor, track } from '../../src/tensor/tensor.js';
import { readJsonFixture, readTensorFixture } from '../policy/reference-models.js';
import { expectClose, startBackends } from './backends.js';
import { at, build, erf, map, matmul, type Plain, plain, random, result, sizeOf, toDevice } from './plain.js';

const backends = (await startBackends()).flatMap((backend): [string, Backend][] => {
  const own: [string, Backend] = [backend.name, backend];
  if (!(backend instanceof TensorFlowBackend)) return [own];
  const { binding } = backend.executor;
  return [own, ['tensorflow as on a GPU', new TensorFlowBackend(binding, { instructionSet: null })]];
});

const softmax = (x: Plain): Plain => {
  const width = x.shape.at(-1)!;
  const rowOf = (index: number[]) => Array.from({ length: width }, (_, j) => at(x, [...index.slice(0, -1), j]));
  return build(x.shape, (index) => {
    const row = rowOf(index);
    const largest = Math.max(...row);
    return Math.exp(at(x, index) - largest) / row.reduce((sum, z) => sum + Math.exp(z - largest), 0);
  });
};

describe.each(backends)('%s', (_, backend: Backend) => {
  let live = 0;
  let previous: Backend | null = null;
  beforeEach(() => {
    previous = useBackend(backend);
    live = backend.liveTensors();
  });
  afterEach(() => {
    useBackend(previous!);
    expect(backend.liveTensors()).toBe(live);
  });

  it.each<[Unary, (x: Tensor) => Tensor, (x: number) => number]>([
    ['exp', ops.exp, Math.exp],
    ['rsqrt', ops.rsqrt, (x) => 1 / Math.sqrt(x)],
    ['square', ops.square, (x) => x * x],
    ['sigmoid', ops.sigmoid, (x) => 1 / (1 + Math.exp(-x))],
    ['erf', ops.erf, erf],
  ])('%s', (op, run, f) => {
    const isPositive = op === 'rsqrt';
    const x = map(random([3, 5, 7], 1), (value) => Math.fround(isPositive ? 2.01 + 2 * value : 3 * value));
    const found = result(() => run(toDevice(x)));
    expectClose(found, map(x, f), 5e-7);
  });

  it('erf reaches ±1 far out and is odd', () => {
    const found = result(() => ops.erf(toDevice(plain([5], [-30, -6, 0, 6, 30]))));
    expectClose(found, plain([5], [-1, -1, 0, 1, 1]), 2e-7);
  });

  const broadcasts: [number[], number[], number[]][] = [
    [
      [3, 5],
      [3, 5],
      [3, 5],
    ],
    [
      [3, 1, 5],
      [4, 5],
      [3, 4, 5],
    ],
    [[7, 3], [3], [7, 3]],
    [
      [1, 3],
      [7, 1],
      [7, 3],
    ],
    [
      [2, 3, 5, 7],
      [5, 1],
      [2, 3, 5, 7],
    ],
  ];
  it.each<[Binary, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number]>([
    ['add', ops.add, (a, b) => a + b],
    ['sub', ops.sub, (a, b) => a - b],
    ['mul', ops.mul, (a, b) => a * b],
    ['maximum', ops.maximum, Math.max],
  ])('%s, with axes repeated', (_op, run, f) => {
    for (const [shapeA, shapeB, shape] of broadcasts) {
      const a = random(shapeA, 1);
      const b = map(random(shapeB, 2), (x) => Math.fround(x + Math.sign(x) * 0.5));
      const wanted = build(shape, (index) => f(at(a, index), at(b, index)));
      const found = result(() => run(toDevice(a), toDevice(b)));
      expectClose(found, wanted);
    }
  });

  it('scale, shift', () => {
    const x = random([3, 5], 1);
    expectClose(
      result(() => ops.scale(toDevice(x), -0.3)),
      map(x, (value) => value * -0.3),
    );
    expectClose(
      result(() => ops.shift(toDevice(x), 1e-3)),
      map(x, (value) => value + 1e-3),
    );
  });

  it.each(['sum', 'mean'] as Reduction[])('reduce %s along each axis', (op) => {
    const x = random([3, 5, 7], 1);
    for (const axis of [0, 1, 2])
      for (const keepDims of [true, false]) {
        const length = x.shape[axis]!;
        const wanted = build(
          x.shape.flatMap((d, i) => (i === axis ? (keepDims ? [1] : []) : [d])),
          (index) => {
            const full = (j: number) => (keepDims ? index.with(axis, j) : index.toSpliced(axis, 0, j));
            const values = Array.from({ length }, (_, j) => at(x, full(j)));
            const sum = values.reduce((a, b) => a + b, 0);
            return { sum, mean: sum / length }[op];
          },
        );
        expectClose(
          result(() => track(backend.reduce(op, toDevice(x), axis, keepDims))),
          wanted,
        );
      }
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('matmul, one and a batch, transposed %s %s', (transposeA, transposeB) => {
    for (const [batch, M, K, N] of [
      [[], 5, 7, 3],
      [[], 1, 33, 1],
      [[4], 3, 5, 7],
      [[3], 1, 9, 2],
    ] as [number[], number, number, number][]) {
      const a = random([...batch, ...(transposeA ? [K, M] : [M, K])], 1);
      const b = random([...batch, ...(transposeB ? [N, K] : [K, N])], 2);
      const found = result(() => ops.matmul(toDevice(a), toDevice(b), { transposeA, transposeB }));
      expectClose(found, matmul(a, b, transposeA, transposeB), 2e-6);
    }
  });

  it('softmax, with masked scores, and a row that is masked all over', () => {
    const x = map(random([2, 3, 5], 1), (value) => 9 * value);
    for (const masked of [1, 4, 7, 10, 11, 12, 13, 14]) x.data[masked] = -1e30;
    expectClose(
      result(() => ops.softmax(toDevice(x))),
      softmax(x),
    );
  });

  it('reshape, transpose, slice, concat', () => {
    const x = random([2, 3, 5, 7], 1);
    expectClose(
      result(() => ops.reshape(toDevice(x), [6, 35])),
      { ...x, shape: [6, 35] },
      0,
    );
    for (const permutation of [
      [0, 2, 1, 3],
      [3, 0, 2, 1],
      [1, 0, 2, 3],
    ]) {
      const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
      const wanted = build(
        permutation.map((axis) => x.shape[axis]!),
        (index) =>
          at(
            x,
            inverse.map((place) => index[place]!),
          ),
      );
      expectClose(
        result(() => ops.transpose(toDevice(x), permutation)),
        wanted,
        0,
      );
    }
    const [begin, size] = [
      [1, 0, 2, 3],
      [1, 3, 2, 4],
    ] as const;
    const part = build([...size], (index) =>
      at(
        x,
        index.map((i, axis) => i + begin[axis]!),
      ),
    );
    expectClose(
      result(() => ops.slice(toDevice(x), begin, size)),
      part,
      0,
    );
    for (const axis of [0, 1, 2]) {
      const lengths = [2, 1, 3];
      const pieces = lengths.map((length, i) => random([2, 3, 5].with(axis, length), i));
      const owner = [0, 0, 1, 2, 2, 2];
      const place = [0, 1, 0, 0, 1, 2];
      const wanted = build([2, 3, 5].with(axis, 6), (index) =>
        at(pieces[owner[index[axis]!]!]!, index.with(axis, place[index[axis]!]!)),
      );
      expectClose(
        result(() => ops.concat(pieces.map(toDevice), axis)),
        wanted,
        0,
      );
    }
  });

  it('pad along each axis', () => {
    const x = random([2, 3, 5], 1);
    for (const [axis, before, after] of [
      [0, 1, 0],
      [1, 0, 2],
      [2, 3, 1],
      [2, 0, 0],
    ] as const) {
      const shape = x.shape.with(axis, before + x.shape[axis]! + after);
      const wanted = build(shape, (index) => {
        const place = index[axis]! - before;
        return place < 0 || place >= x.shape[axis]! ? 0 : at(x, index.with(axis, place));
      });
      expectClose(
        result(() => ops.pad(toDevice(x), axis, before, after)),
        wanted,
        0,
      );
    }
  });

  it('gather, with a row twice; swapHalves', () => {
    const x = random([5, 3, 4], 1);
    const rows = [4, 0, 0, 3];
    const wanted = build([4, 3, 4], ([i, ...rest]) => at(x, [rows[i!]!, ...rest]));
    expectClose(
      result(() => ops.gather(toDevice(x), ops.indices(rows))),
      wanted,
      0,
    );
    const swapped = build(x.shape, (index) => at(x, index.with(2, (index[2]! + 2) % 4)));
    expectClose(
      result(() => ops.swapHalves(toDevice(x))),
      swapped,
      0,
    );
  });

  it('segmentSum: several rows a segment, none, and rows with a negative segment', () => {
    const x = random([7, 3], 1);
    const segments = [4, 0, -1, 4, 1, 4, -3];
    const wanted = build([6, 3], ([s, j]) =>
      segments.reduce((sum, segment, i) => sum + (segment === s ? at(x, [i, j!]) : 0), 0),
    );
    expectClose(
      result(() => ops.segmentSum(toDevice(x), ops.indices(segments), 6)),
      wanted,
    );
  });

  it('crossEntropy and its gradient', () => {
    const logits = map(random([5, 11], 1), (value) => 20 * value);
    const labels = [0, 10, 3, 3, 7];
    const p = softmax(logits);
    const run = (pick: 'loss' | 'gradient') =>
      result(() => ops.crossEntropy(toDevice(logits), ops.indices(labels))[pick]);
    expectClose(
      run('loss'),
      build([5], ([i]) => -Math.log(at(p, [i!, labels[i!]!]))),
      2e-6,
    );
    expectClose(
      run('gradient'),
      build([5, 11], ([i, j]) => at(p, [i!, j!]) - (labels[i!] === j ? 1 : 0)),
      2e-6,
    );
  });

  it('sampleRows draws no index of probability zero, at both ends of [0, 1)', () => {
    const almostOne = 1 - 2 ** -24;
    const cases: [number[], number, number][] = [
      [[0.25, 0.25, 0.5], 0, 0],
      [[0.25, 0.25, 0.5], 0.24, 0],
      [[0.25, 0.25, 0.5], 0.25, 1],
      [[0.25, 0.25, 0.5], 0.75, 2],
      [[0.25, 0.25, 0.5], almostOne, 2],
      [[0, 1, 0], 0, 1],
      [[0, 1, 0], almostOne, 1],
      [[0.5, 0.5, 0], almostOne, 1],
      [[0.3, 0.3, 0], almostOne, 1],
      [[2, 2, 4], 0.6, 2],
    ];
    const p = plain(
      [cases.length, 3],
      cases.flatMap(([row]) => row),
    );
    const u = plain(
      [cases.length, 1],
      cases.map(([, uniform]) => uniform),
    );
    const found = result(() => ops.sampleRows(toDevice(p), toDevice(u)));
    expect([...found.data]).toEqual(cases.map(([, , index]) => index));
  });

  it('sampleRows on wide rows inverts the cumulative sum', () => {
    const p = map(random([4, 501], 1), (x) => x * x);
    const u = map(random([4, 1], 2), (x) => Math.fround(Math.abs(x)));
    const found = result(() => ops.sampleRows(toDevice(p), toDevice(u)));
    for (const [row, index] of found.data.entries()) {
      const values = p.data.subarray(row * 501, (row + 1) * 501);
      const below = (end: number) => values.subarray(0, end).reduce((sum, x) => sum + x, 0);
      const threshold = u.data[row]! * below(501);
      expect(below(index)).toBeLessThanOrEqual(threshold + 1e-3);
      expect(below(index + 1)).toBeGreaterThan(threshold - 1e-3);
    }
  });

  it('argMax, topK', () => {
    const x = random([4, 9], 1);
    const orders = [0, 1, 2, 3].map((row) => {
      const values = x.data.subarray(row * 9, row * 9 + 9);
      return [...values.keys()].sort((i, j) => values[j]! - values[i]!);
    });
    expectClose(
      result(() => ops.argMax(toDevice(x))),
      plain(
        [4],
        orders.map((order) => order[0]!),
      ),
      0,
    );
    for (const k of [1, 4, 9]) {
      const top = (pick: 'values' | 'indices') => result(() => ops.topK(toDevice(x), k)[pick]);
      expectClose(
        top('indices'),
        build([4, k], ([i, j]) => orders[i!]![j!]!),
        0,
      );
      expectClose(
        top('values'),
        build([4, k], ([i, j]) => at(x, [i!, orders[i!]![j!]!])),
        0,
      );
    }
  });

  it('squaredNorm', () => {
    const x = random([7, 5, 3], 1);
    const found = scope(() => ops.squaredNorm(toDevice(x)));
    expect(found).toBeCloseTo(
      x.data.reduce((sum, value) => sum + value * value, 0),
      4,
    );
  });

  it('a variable keeps its value whatever becomes of the tensors around it', () => {
    const [x, y] = [random([3, 5], 1), random([3, 5], 2)];
    const variable = scope(() => backend.variable(toDevice(x)));
    const read = () => result(() => track(variable.read()));
    expectClose(read(), x, 0);
    scope(() => variable.assign(toDevice(y)));
    expectClose(read(), y, 0);
    variable.dispose();
  });

  it('a value read before an update stays what it was', () => {
    const x = random([3], 1);
    const variable = scope(() => backend.variable(toDevice(x)));
    scope(() => {
      const before = track(variable.read());
      variable.assign(toDevice(random([3], 2)));
      expect([...ops.downloadFloats(before)]).toEqual([...x.data]);
    });
    variable.dispose();
  });

  it('adam makes the three steps of torch.optim.AdamW', async () => {
    const { lr, betas, eps, weight_decay, max_grad_norm, grad_norms } = await readJsonFixture<{
      lr: number;
      betas: [number, number];
      eps: number;
      weight_decay: number;
      max_grad_norm: number;
      grad_norms: number[];
    }>('step/adamw.json');
    const [beta1, beta2] = betas;
    const tensors = await readTensorFixture('step/adamw.safetensors');
    const get = (name: string) => plain(tensors.get(name)!.shape, tensors.get(name)!.data);
    for (const name of ['matrix', 'bias', 'long']) {
      const start = get(`${name}.start`);
      const make = (x: Plain) => scope(() => backend.variable(toDevice(x)));
      const zeros = map(start, () => 0);
      const state = { value: make(start), m: make(zeros), v: make(zeros) };
      for (const step of [1, 2, 3]) {
        const factor = Math.min(1, max_grad_norm / (grad_norms[step - 1]! + 1e-6));
        const correction = Math.sqrt(1 - beta2 ** step);
        scope(() =>
          backend.adam(state, toDevice(get(`${name}.grad.${step}`)), {
            gradientScale: factor,
            beta1,
            beta2,
            stepSize: (lr * correction) / (1 - beta1 ** step),
            epsilon: eps * correction,
            decay: 1 - lr * weight_decay,
          }),
        );
        expectClose(
          result(() => track(state.value.read())),
          get(`${name}.after.${step}`),
          5e-7,
        );
      }
      for (const variable of Object.values(state)) variable.dispose();
    }
  });

  it('uploads and gives back float32 and int32 as they are', () => {
    const floats = random([3, 5], 1);
    expectClose(
      result(() => toDevice(floats)),
      floats,
      0,
    );
    const ints = Int32Array.of(0, -7, 2 ** 31 - 1, -(2 ** 31));
    expect(scope(() => ops.downloadInts(ops.indices(ints)))).toEqual(ints);
  });

  it('counts the handles that it makes', () => {
    const before = backend.handlesMade();
    result(() => ops.exp(toDevice(random([3], 1))));
    expect(backend.handlesMade()).toBe(before + 2);
  });

  it('counts live tensors', () => {
    const x = scope(() => toDevice(random([3], 1)));
    expect(backend.liveTensors()).toBe(live + 1);
    x.dispose();
  });

  describe.runIf(backend.supportsBfloat16)('bfloat16', () => {
    // Sign, exponent and 7 bits of the mantissa, rounded to the nearest and to even where two are as near.
    const cases: [number, number][] = [
      [1, 0x3f80],
      [-2.5, 0xc020],
      [1 + 2 ** -8, 0x3f80],
      [1 + 3 * 2 ** -8, 0x3f82],
      [1 + 2 ** -8 + 2 ** -20, 0x3f81],
      [Math.PI, 0x4049],
      [1e30, 0x714a],
      [0, 0],
    ];
    const values = [...new Float32Array(Uint32Array.from(cases, ([, code]) => code << 16).buffer)];

    it('casts by rounding to even, and back without loss', () => {
      const x = plain(
        [8],
        cases.map(([value]) => value),
      );
      const found = result(() => ops.cast(ops.cast(toDevice(x), 'bfloat16'), 'float32'));
      expect([...found.data]).toEqual(values);
    });

    it('uploads bits, in the shape asked for, at two bytes each', () => {
      const bits = new Uint8Array(Uint16Array.from(cases, ([, code]) => code).buffer);
      scope(() => {
        const x = ops.uploadBfloat16(bits, [2, 4]);
        expect([x.dtype, x.shape, x.bytes]).toEqual(['bfloat16', [2, 4], 16]);
        expect([...ops.downloadFloats(x)]).toEqual(values);
      });
    });

    it('multiplies, gathers and joins in bfloat16', () => {
      const narrow = (x: Tensor) => ops.cast(x, 'bfloat16');
      const [a, b] = [random([5, 7], 1), random([3, 7], 2)];
      const rounded = (x: Plain) => result(() => ops.cast(narrow(toDevice(x)), 'float32'));
      const found = result(() => ops.matmul(narrow(toDevice(a)), narrow(toDevice(b)), { transposeB: true }));
      expectClose(found, matmul(rounded(a), rounded(b), false, true), 2 ** -8);
      const joined = result(() =>
        ops.gather(ops.concat([narrow(toDevice(a)), narrow(toDevice(b))], 0), ops.indices([6, 0])),
      );
      expect([...joined.data]).toEqual([...rounded(b).data.slice(7, 14), ...rounded(a).data.slice(0, 7)]);
    });
  });

  it.skipIf(backend.supportsBfloat16)('refuses bfloat16', () => {
    expect(() => backend.uploadBfloat16(new Uint8Array(2), [1])).toThrow('bfloat16');
    expect(() => scope(() => ops.cast(toDevice(random([1], 1)), 'bfloat16'))).toThrow('bfloat16');
  });

  it('sizes and bytes follow the shape', () => {
    scope(() => expect(toDevice(random([3, 5], 1)).bytes).toBe(4 * sizeOf([3, 5])));
  });
});
