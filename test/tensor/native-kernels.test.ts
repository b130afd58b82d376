import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/system/errors.js';
import { TensorFlowBackend } from '../../src/tensor/backends/tensorflow/backend.js';
import type { NativeInput } from '../../src/tensor/backends/tensorflow/executor.js';
import { cast, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { type DType, scope } from '../../src/tensor/tensor.js';
import { sizeOf } from './plain.js';

const started = await startRuntime({ report: () => {} });
const backend = started instanceof TensorFlowBackend && started.kernels.fewRows > 0 ? started : null;

/** The shape of an input, and its type where that is not T. */
type Given = { shape: readonly number[]; type: 'T' | 'float32' | 'int32'; ints?: readonly number[] };

const T = (...shape: number[]): Given => ({ shape, type: 'T' });
const F = (...shape: number[]): Given => ({ shape, type: 'float32' });
const I = (...ints: number[]): Given => ({ shape: [ints.length], type: 'int32', ints });

interface Operation {
  /** By name; those of one list end in a number. */
  inputs: Record<string, Given>;
  outputs: readonly (DType | 'T')[];
  /** Dimensions that nothing else depends on (`x.0`), and numbers that may be large. */
  free?: readonly string[];
  optional?: readonly string[];
}

const [N, d] = [4, 6];
/** B = 2 prompts of P keys, G completions of each, 2 × 3 heads of 4 dimensions. */
const [B, KV, R, G, D, P, M] = [2, 2, 3, 2, 4, 5, 4];
const decoding = {
  ...{ cos: F(M, D), sin: F(M, D) },
  rest: {
    ...{ scale: F(), promptK: T(B * KV, D, P), promptV: T(B * KV, P, D) },
    ...{ ownK: T(M * KV, 8, D), ownV: T(M * KV, 8, D), lengths: I(P, 3), options: I(KV, R, G, 7) },
  },
  biases: { qBias: F(KV * R * D), kBias: F(KV * D), vBias: F(KV * D) },
};
const attention = { prompt: T(4, 6, P), own: T(8, 3, 7), lengths: I(P, 3), starts: I(0, 1), options: I(6, 2, 1, 3, 1) };
// What is seen of own keys has no end, and heads are counted by rows; the tokens of a sequence go round.
const freeOfAttention = ['prompt.2', 'own.2', 'starts[0]', 'starts[1]', 'options[2]', 'options[3]'];

const OPERATIONS: Record<string, Operation> = {
  VauNorm: {
    inputs: { x: F(N, d), delta: T(N, d), bias: F(d), weight: F(d), shift: F(d), epsilon: F(), options: I(1) },
    outputs: ['float32', 'T', 'float32'],
    optional: ['delta', 'bias', 'shift'],
  },
  VauNormGradient: {
    inputs: {
      ...{ x: F(N, d), stats: F(N, 2), weight: F(d), residual: F(N, d), options: I(1, 1) },
      ...{ dys0: T(N, d), dys1: T(N, d) },
    },
    outputs: ['float32', 'T', 'float32', 'float32'],
    optional: ['residual'],
  },
  VauSwiglu: {
    inputs: { gate: T(N, d), up: T(N, d), gateBias: F(d), upBias: F(d) },
    outputs: ['T'],
    optional: ['gateBias', 'upBias'],
  },
  VauSwigluGradient: {
    inputs: { gate: T(N, d), up: T(N, d), gateBias: F(d), upBias: F(d), d: T(N, d) },
    outputs: ['T', 'T', 'T'],
    optional: ['gateBias', 'upBias'],
  },
  VauGelu: { inputs: { x: T(N, d), bias: F(d), options: I(1) }, outputs: ['T'], free: ['x.0', 'options[0]'] },
  VauGeluGradient: {
    inputs: { x: T(N, d), bias: F(d), options: I(1), d: T(N, d) },
    outputs: ['T', 'T'],
    free: ['options[0]'],
  },
  VauAdd: {
    inputs: { x: F(N, d), delta: T(N, d), bias: F(d) },
    outputs: ['float32'],
    optional: ['x', 'bias'],
  },
  VauColumnSum: { inputs: { x: T(N, d) }, outputs: ['float32'], free: ['x.0', 'x.1'] },
  VauFewRowsProducts: {
    inputs: { x: T(N, d), ws0: T(3, d), ws1: T(5, d) },
    outputs: ['T', 'T'],
    free: ['x.0', 'ws0.0', 'ws1.0'],
  },
  VauMatMul: {
    inputs: { a: T(2, N, d), b: T(2, 3, d), options: I(0, 1) },
    outputs: ['T'],
    free: ['a.1', 'b.1'],
  },
  VauToHeads: {
    inputs: {
      ...{ x: T(13, 29), bias: F(29), cos: F(13, D), sin: F(13, D), scale: F() },
      options: I(3, 5, 2, 5, KV, R, D),
    },
    outputs: ['T'],
    optional: ['bias'],
  },
  VauFromHeads: {
    inputs: {
      ...{ cos: F(13, D), sin: F(13, D), scale: F() },
      options: I(13, 25, D, 24, 24, 2, ...[3, 3, 1, 0, 1, KV, R], ...[13, 5, 2, 0, 1, KV, R, 3, 1, KV, R]),
      ...{ parts0: T(KV, 3 * R, D), parts1: T(2 * KV, 5 * R, D), parts2: T(2 * KV, 2 * R, D) },
    },
    outputs: ['T'],
  },
  VauAttentionWeights: { inputs: attention, outputs: ['T', 'T'], optional: ['prompt'], free: freeOfAttention },
  VauAttentionWeightsGradient: {
    inputs: { ...attention, dPrompt: T(4, 6, P), dOwn: T(8, 3, 7) },
    outputs: ['T', 'T', 'T', 'T'],
    free: freeOfAttention.slice(2),
  },
  VauAttention: {
    inputs: {
      ...{ q: T(4, 6, D), promptK: T(4, P, D), promptV: T(4, P, D), ownK: T(8, 7, D), ownV: T(8, 7, D) },
      ...{ lengths: I(P, 3), starts: I(0, 1), options: I(2, 1, 3, 1) },
    },
    outputs: ['T'],
    free: ['starts[0]', 'starts[1]'],
  },
  VauAttentionGradient: {
    inputs: {
      ...{ q: T(4, 6, D), promptK: T(4, P, D), promptV: T(4, P, D), ownK: T(8, 7, D), ownV: T(8, 7, D) },
      ...{ lengths: I(P, 3), starts: I(0, 1), options: I(2, 1, 3, 1), dy: T(4, 6, D) },
    },
    outputs: ['T', 'T', 'T', 'T', 'T'],
    free: ['starts[0]', 'starts[1]'],
  },
  VauDecodeAttention: {
    inputs: {
      ...{ q: T(M, KV * R * D), k: T(M, KV * D), v: T(M, KV * D), ...decoding.biases },
      ...{ cos: decoding.cos, sin: decoding.sin, ...decoding.rest },
    },
    outputs: ['T'],
    optional: ['qBias', 'kBias', 'vBias'],
  },
  VauDecodeLayer: {
    inputs: {
      ...{ x: F(M, d), inputNorm: F(d), q: T(KV * R * D, d), k: T(KV * D, d), v: T(KV * D, d), ...decoding.biases },
      ...{ qNorm: F(D), kNorm: F(D) },
      ...{ o: T(d, KV * R * D), mlpNorm: F(d), gate: T(9, d), up: T(9, d), down: T(d, 9) },
      ...{ cos: decoding.cos, sin: decoding.sin, epsilon: F(), ...decoding.rest },
    },
    outputs: ['float32'],
    optional: ['qBias', 'kBias', 'vBias', 'qNorm', 'kNorm'],
  },
  VauDraw: {
    inputs: { logits: T(N, 20), uniforms: F(N), scale: F(), forbidden: I(0, 19) },
    outputs: ['int32', 'float32'],
    free: ['logits.1'],
  },
  VauSquaredNorm: { inputs: { x: T(N, d) }, outputs: ['float32'], free: ['x', 'x.0', 'x.1'] },
  VauAdamW: {
    inputs: {
      ...{ value: F(N, d), m: F(N, d), v: F(N, d), gradient: T(N, d), beta1: F(), beta2: F(), step: F() },
      ...{ epsilon: F(), decay: F(), gradientScale: F() },
    },
    outputs: ['float32'],
  },
};

/** Every way in which one input can be wrong, by what is wrong. */
function* mistakes({ inputs, free = [], optional = [] }: Operation): Generator<[string, Record<string, Given>]> {
  const isFree = (name: string) => free.includes(name);
  for (const [name, given] of Object.entries(inputs)) {
    const { shape, ints, type } = given;
    const wrong = (what: string, change: Partial<Given>): [string, Record<string, Given>] => [
      `${name} ${what}`,
      { ...inputs, [name]: { ...given, ...change } },
    ];
    yield wrong('of another type', { type: type === 'int32' ? 'float32' : 'int32' });
    if (ints !== undefined) {
      yield wrong('as a matrix', { shape: [1, ints.length] });
      if (name === 'forbidden') yield wrong('beyond the vocabulary', { ints: [20, 0] });
      else yield wrong('one short', { shape: [ints.length - 1], ints: ints.slice(1) });
      if (name !== 'forbidden') yield wrong('one more', { shape: [ints.length + 1], ints: [...ints, 1] });
      for (const [i] of ints.entries()) {
        yield wrong(`[${i}] = -1`, { ints: ints.with(i, -1) });
        if (!isFree(`${name}[${i}]`)) yield wrong(`[${i}] = 2³¹ − 1`, { ints: ints.with(i, 2 ** 31 - 1) });
      }
      continue;
    }
    if (isFree(name)) continue;
    yield wrong('with one more axis', { shape: [...shape, 1] });
    yield wrong('with an axis before', { shape: [1, ...shape] });
    if (shape.length === 0) continue;
    yield wrong('as a scalar', { shape: [] });
    if (!optional.includes(name)) yield wrong('empty', { shape: [0] });
    for (const [axis, size] of shape.entries()) {
      if (isFree(`${name}.${axis}`)) continue;
      for (const other of [size - 1, size + 1, 0]) {
        const isLeftOut = optional.includes(name) && shape.length === 1 && other === 0;
        if (!isLeftOut) yield wrong(`.${axis} = ${other}`, { shape: shape.with(axis, other) });
      }
    }
  }
}

function run(op: string, { inputs, outputs }: Operation, type: 'float32' | 'bfloat16'): void {
  scope(() => {
    const tensor = (given: Given): NativeInput => {
      const { shape, ints = [] } = given;
      if (given.type !== 'int32') {
        const x = upload(
          Float32Array.from({ length: sizeOf(shape) }, () => 0.5),
          shape,
        );
        return given.type === 'T' ? cast(x, type) : x;
      }
      return upload(
        Int32Array.from({ length: sizeOf(shape) }, (_, i) => ints[i] ?? 0),
        shape,
      );
    };
    const all = Object.entries(inputs).map(([name, given]) => [name, tensor(given)] as const);
    const list = all.filter(([name]) => /^(dys|ws|parts)\d$/.test(name)).map(([, x]) => x as never);
    const single = all.filter(([name]) => !/^(dys|ws|parts)\d$/.test(name)).map(([, x]) => x);
    const made = backend!.executor.runNative({
      op,
      inputs: list.length === 0 ? single : [...single, { list }],
      outputs: outputs.map((output) => (output === 'T' ? type : output)),
    });
    for (const x of made) x.dispose();
  });
}

describe.runIf(backend !== null).each(['float32', 'bfloat16'] as const)('in %s', (type) => {
  it.each(Object.entries(OPERATIONS))('%s refuses whatever does not fit', (op, operation) => {
    expect(() => run(op, operation, type)).not.toThrow();
    const live = backend!.liveTensors();
    const accepted: string[] = [];
    for (const [what, inputs] of mistakes(operation)) {
      try {
        run(op, { ...operation, inputs }, type);
        accepted.push(what);
      } catch (error) {
        expect(error, what).toBeInstanceOf(ModelError);
        expect(error, what).toMatchObject({ code: 'TENSOR_MISFIT', message: expect.stringContaining(op) });
      }
    }
    expect(accepted).toEqual([]);
    expect(backend!.liveTensors()).toBe(live);
  });
});

it.runIf(backend !== null)('the error names the operation, the input and both shapes', () => {
  const { VauNorm, VauFewRowsProducts } = OPERATIONS as Record<string, Operation>;
  const norm = { ...VauNorm!, inputs: { ...VauNorm!.inputs, weight: F(3) } };
  expect(() => run('VauNorm', norm, 'float32')).toThrow(/VauNorm: weight has shape \[3\], not \[6\]/);
  const products = { ...VauFewRowsProducts!, inputs: { ...VauFewRowsProducts!.inputs, ws1: T(5, 7) } };
  expect(() => run('VauFewRowsProducts', products, 'float32')).toThrow(/ws\[1\] has shape \[5, 7\], not \[any, 6\]/);
});
