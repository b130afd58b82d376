import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portableKernels } from '../../src/tensor/backends/portable/kernels.js';
import type { TensorFlowBackend } from '../../src/tensor/backends/tensorflow/backend.js';
import type { AttentionScores, AttentionView, Kernels, KeyValue } from '../../src/tensor/kernels.js';
import {
  add,
  cast,
  downloadFloats,
  downloadInts,
  matmul,
  products,
  reshape,
  transpose,
  upload,
} from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { dispose, scope, Tensor, track } from '../../src/tensor/tensor.js';
import { expectGradients, type Inputs } from '../policy/numeric.js';
import { largestDifference, relativeError } from '../policy/reference-models.js';
import { map, type Plain, matmul as plainProduct, random, toDevice } from './plain.js';

const backend = await startRuntime({ report: () => {} });
const native = backend.kernels;
const portable = portableKernels(backend);
const hasNative = native.fewRows > 0;
type Type = 'float32' | 'bfloat16';

/** Whether large products are ours, and attention with them. */
const multiplies = (type: Type): boolean => hasNative && (backend as TensorFlowBackend).multiplies.has(type);

let live = 0;
beforeEach(() => {
  live = backend.liveTensors();
});
afterEach(() => expect(backend.liveTensors()).toBe(live));

it.runIf(backend.name === 'tensorflow' && process.env.VAU_RFT_KERNELS !== 'portable' && !backend.usesGpu)(
  'TensorFlow on a CPU has kernels of its own',
  () => expect(hasNative).toBe(true),
);

/** Every tensor in a result, downloaded, by its path. */
function download(value: unknown, path = ''): Record<string, Float32Array> {
  if (value instanceof Tensor)
    return { [path]: value.dtype === 'int32' ? Float32Array.from(downloadInts(value)) : downloadFloats(value) };
  if (value === null || typeof value !== 'object') return {};
  return Object.assign({}, ...Object.entries(value).map(([key, part]) => download(part, `${path}.${key}`)));
}

/** Runs the same with both sets, on inputs in T, and compares all that comes out. */
function compare(type: Type, body: (kernels: Kernels, t: (x: Plain) => Tensor) => unknown): void {
  const run = (kernels: Kernels) => scope(() => download(body(kernels, (x) => cast(toDevice(x), type))));
  const [found, wanted] = [run(native), run(portable)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  expect(Object.keys(wanted).length).toBeGreaterThan(0);
  for (const [path, values] of Object.entries(wanted)) {
    expect(found[path]!.length, path).toBe(values.length);
    expect(values.every(Number.isFinite), path).toBe(true);
    const error = values.every((x) => x === 0)
      ? largestDifference(found[path]!, values)
      : relativeError(found[path]!, values);
    expect(error, path).toBeLessThan(type === 'float32' ? 1e-5 : 1e-2);
  }
}

const scaled = (x: Plain, factor: number): Plain => map(x, (value) => Math.fround(factor * value));

describe.runIf(hasNative).each<Type>(['float32', 'bfloat16'])('products of large matrices in %s', (type) => {
  const ownMatmul = (a: Tensor, b: Tensor, turned: [boolean, boolean]) =>
    track((backend as TensorFlowBackend).ownMatmul(a, b, ...turned));
  /** a `[batch, M, K]` times b `[batch, K, N]`. */
  const product = (sizes: number[], turned: [boolean, boolean]) => {
    const [batch, M, K, N] = sizes as [number, number, number, number];
    const [a, b] = [
      random(turned[0] ? [batch, K, M] : [batch, M, K], 1),
      random(turned[1] ? [batch, N, K] : [batch, K, N], 2),
    ];
    return scope(() => {
      const [x, y] = [cast(toDevice(a), type), cast(toDevice(b), type)];
      const found = downloadFloats(ownMatmul(x, y, turned));
      const wide = ({ shape }: Plain, t: Tensor): Plain => ({ shape, data: Float64Array.from(downloadFloats(t)) });
      return { found, wanted: plainProduct(wide(a, x), wide(b, y), ...turned).data };
    });
  };

  it.each([
    [1, 1, 1, 1],
    [2, 6, 16, 16],
    [3, 13, 7, 33],
    [1, 73, 300, 37],
    [5, 145, 32, 65],
  ])('batches of %i, %i × %i × %i, each way up', (...sizes) => {
    for (const turned of [false, true].flatMap((a) => [false, true].map((b): [boolean, boolean] => [a, b]))) {
      const { found, wanted } = product(sizes, turned);
      expect(relativeError(found, wanted), turned.join()).toBeLessThan(type === 'float32' ? 1e-6 : 4e-3);
    }
  });

  it('with more columns, and more matrices, than are packed at a time', () => {
    for (const sizes of [
      [1, 2, 2100, 1030],
      [9, 2, 600, 500],
    ]) {
      const { found, wanted } = product(sizes, [false, true]);
      expect(relativeError(found, wanted)).toBeLessThan(type === 'float32' ? 1e-6 : 4e-3);
    }
  });

  it('of nothing are zeros, or nothing', () => {
    scope(() => {
      const empty = (...shape: number[]) => cast(upload(new Float32Array(0), shape), type);
      const zeros = ownMatmul(empty(3, 0), empty(0, 5), [false, false]);
      expect(zeros.shape).toEqual([3, 5]);
      expect(downloadFloats(zeros).every((x) => x === 0)).toBe(true);
      const b = cast(toDevice(random([4, 5], 1)), type);
      expect(ownMatmul(empty(0, 4), b, [false, false]).shape).toEqual([0, 5]);
    });
  });
});

describe.runIf(hasNative).each<Type>(['float32', 'bfloat16'])('native and portable agree in %s', (type) => {
  describe.each([1, 7, 17, 33, 80, 512])('width %i', (width) => {
    const shape = [5, width];

    it.each([true, false])('norm and its gradient, centred %s', (centered) => {
      compare(type, (kernels, t) => {
        const weight = toDevice(random([width], 3));
        const shift = centered ? toDevice(random([width], 4)) : undefined;
        const more = { delta: t(random(shape, 2)), bias: toDevice(random([width], 5)) };
        const args = { x: toDevice(random(shape, 1)), weight, shift, epsilon: 0.05, type };
        const { sum, y, stats } = kernels.norm({ ...args, ...more });
        const dys = [t(random(shape, 6)), t(random(shape, 7))];
        const residual = toDevice(random(shape, 8));
        const back = kernels.normGradient({ dys, sum, stats, weight, centered, residual, wantsWeight: true });
        return { sum, y, rstd: stats, back, alone: kernels.norm(args).y };
      });
    });

    it('activations, additions, sums', () => {
      compare(type, (kernels, t) => {
        const [x, up, d] = [t(scaled(random(shape, 1), 8)), t(random(shape, 2)), t(random(shape, 3))];
        const bias = toDevice(random([width], 4));
        return {
          ...(['with', 'without'] as const).map((which) => {
            const biases = which === 'with' ? { gateBias: bias, upBias: toDevice(random([width], 6)) } : {};
            const args = { gate: x, up, ...biases };
            return [kernels.swiglu(args), kernels.swigluGradient({ ...args, d })];
          }),
          ...(['quick', 'tanh'] as const).map((form) => [
            kernels.gelu({ x, bias, form }),
            kernels.geluGradient({ x, bias, form, d }),
          ]),
          add: kernels.add({ x: toDevice(random(shape, 5)), delta: d, bias }),
          cast: kernels.add({ delta: d }),
          sum: kernels.columnSum(up),
          norm: kernels.squaredNorm(up),
        };
      });
    });

    it.each([1, 8, 13])('products of %i rows with several matrices', (rows) => {
      scope(() => {
        const x = cast(toDevice(random([rows, width], 1)), type);
        const ws = [3, 64, 1].map((out) => cast(toDevice(random([out, width], out)), type));
        for (const [i, y] of products(x, ws).entries()) {
          const wanted = downloadFloats(matmul(cast(x, 'float32'), cast(ws[i]!, 'float32'), { transposeB: true }));
          expect(relativeError(downloadFloats(y), wanted)).toBeLessThan(type === 'float32' ? 1e-5 : 1e-2);
        }
      });
    });
  });

  it.each([4, 16, 64, 80])('heads of %i dimensions, there and back', (D) => {
    const [B, KV, R, tokens, start] = [2, 2, 3, 5, 3];
    const [N, width] = [start + B * tokens, KV * R * D];
    compare(type, (kernels, t) => {
      const rotary = { cos: toDevice(random([N, D], 1)), sin: toDevice(random([N, D], 2)) };
      const [x, bias] = [t(random([N, width + 7], 3)), toDevice(random([width + 7], 4))];
      const heads = { x, start, column: 5, B, tokens, KV, R, D };
      const turned = kernels.toHeads({ ...heads, bias, rotary, scale: 0.5 });
      const part = (rows: number, offset: number, seed: number) => ({
        ...{ x: t(random([B * KV, rows * R, D], seed)), offset, column: 0, KV, R },
      });
      const rows = kernels.fromHeads({
        segments: [
          { B: 1, tokens: start, parts: [{ x: t(random([KV, start * R, D], 8)), offset: 0, column: 0, KV, R }] },
          { B, tokens, parts: [part(tokens, 0, 5), part(2, 0, 6), part(2, 3, 7)] },
        ],
        ...{ width, D, rotary, rotatedColumns: width - D, scaledColumns: D, scale: 2 },
      });
      return { turned, plain: kernels.toHeads({ ...heads, scale: 1 }), rows };
    });
  });

  const view: AttentionView = { n: 30, KV: 2, R: 3, C: 5, causal: true, starts: [0, 0], promptLengths: [40, 33] };
  it.each([
    ['completions', view, 5],
    ['a block of a prompt', { ...view, n: 15, starts: [19, 19], promptLengths: [] }, 24],
    ['the last token of each prompt', { ...view, n: 3, C: 1, starts: [23, 11], promptLengths: [] }, 24],
    ['no mask', { ...view, n: 17, R: 1, C: 17, causal: false, promptLengths: [] }, 17],
  ])('attention weights and their gradient: %s', (_, of, K) => {
    const P = 40;
    const ownRows = of.R * of.C;
    const hasPrompt = of.promptLengths.length > 0;
    /** Four heads: two prompts of two. */
    const scores = (t: (x: Plain) => Tensor, seed: number, size: number) => ({
      onPrompt: hasPrompt ? t(scaled(random([4, of.n, P], seed), size)) : undefined,
      onOwn: t(scaled(random([(4 * of.n) / ownRows, ownRows, K], seed + 1), size)),
    });
    compare(type, (kernels, t) => {
      const [s, d] = [scores(t, 1, 3), scores(t, 3, 1)];
      return { weights: kernels.attentionWeights(s, of), back: kernels.attentionWeightsGradient(s, d, of) };
    });
    // One key takes all of the weight.
    compare(type, (kernels, t) => kernels.attentionWeights(scores(t, 1, 1e4), of));
  });

  it.runIf(multiplies(type)).each([
    ['completions', 5, 3, [0, 0], [40, 33]],
    ['many completions', 4, 20, [0, 0], [40, 33]],
    ['a completion of many blocks', 50, 1, [0, 0], [330, 0]],
    ['prompts', 70, 1, [0, 0], []],
    ['the last token of each prompt', 1, 1, [23, 11], []],
    ['slices of a video', 70, 1, null, []],
  ])('attention in one pass, and its gradient: %s', (_, C, G, starts, promptLengths) => {
    const [KV, R, D, P] = [2, 3, 20, Math.max(...promptLengths, 1)];
    const K = Math.max(...(starts ?? [0])) + C;
    const view: AttentionView = {
      ...{ n: G * C * R, KV, R, C, causal: starts !== null, starts: starts ?? [], promptLengths },
    };
    compare(type, (kernels, t) => {
      const [q, k, v] = [t(random([4, view.n, D], 1)), t(random([4 * G, K, D], 2)), t(random([4 * G, K, D], 3))];
      const prompt = promptLengths.length > 0 ? { k: t(random([4, P, D], 4)), v: t(random([4, P, D], 5)) } : undefined;
      const dy = t(random([4, view.n, D], 6));
      const args = { q, prompt, own: { k, v }, view };
      const whole = kernels.attention(args);
      if (whole !== null) return { y: whole, ...kernels.attentionGradient({ ...args, dy }) };

      const own = (x: Tensor) => reshape(x, [4 * G, C * R, D]);
      const scores = (a: Tensor, b: { prompt?: Tensor; own: Tensor }) => ({
        onPrompt: b.prompt && matmul(a, b.prompt, { transposeB: true }),
        onOwn: matmul(own(a), b.own, { transposeB: true }),
      });
      const { weights, dScores } = kernels.attentionWeightsGradient(
        scores(q, { prompt: prompt?.k, own: k }),
        scores(dy, { prompt: prompt?.v, own: v }),
        view,
      );
      const wide = (x: Tensor) => cast(x, 'float32');
      const both = (x: AttentionScores, b: { prompt?: Tensor; own: Tensor }) => {
        const fromOwn = wide(reshape(matmul(x.onOwn, b.own), q.shape));
        return b.prompt === undefined ? fromOwn : add(fromOwn, wide(matmul(x.onPrompt!, b.prompt)));
      };
      const turned = { transposeA: true };
      return {
        y: both(weights, { prompt: prompt?.v, own: v }),
        q: both(dScores, { prompt: prompt?.k, own: k }),
        prompt: prompt && {
          k: matmul(dScores.onPrompt!, q, turned),
          v: matmul(weights.onPrompt!, dy, turned),
        },
        own: { k: matmul(dScores.onOwn, own(q), turned), v: matmul(weights.onOwn, own(dy), turned) },
      };
    });
  });

  it.each([4, 24, 64, 80])(
    'decoding 70 tokens with heads of %i dimensions, past the room that a cache has at first',
    (D) => {
      const [B, KV, R, G, P] = [2, 2, 3, 2, 37];
      compare(type, (kernels, t) => {
        const k = t(random([B * KV, P, D], 1));
        const prompt = { kt: transpose(k, [0, 2, 1]), v: t(random([B * KV, P, D], 2)) };
        const biases = { q: toDevice(random([KV * R * D], 3)), v: toDevice(random([KV * D], 4)) };
        const outputs: Tensor[] = [];
        let own: KeyValue | undefined;
        for (let token = 0; token < 70; token++) {
          const row = (width: number, seed: number) => t(random([B * G, width], 100 * seed + token));
          const result = kernels.decodeAttention({
            ...{ q: row(KV * R * D, 1), k: row(KV * D, 2), v: row(KV * D, 3), biases, prompt, own, KV, R, G, t: token },
            rotary: { cos: toDevice(random([B * G, D], 5)), sin: toDevice(random([B * G, D], 6)) },
            scale: D ** -0.5,
            promptLengths: [P, 20],
          });
          own = result.own;
          outputs.push(result.y);
        }
        dispose(own);
        return outputs;
      });
    },
  );

  it('drawing a token', () => {
    compare('float32', (kernels) =>
      kernels.draw({
        logits: toDevice(scaled(random([6, 103], 1), 5)),
        uniforms: Float32Array.of(0, 0.2, 0.4, 0.6, 0.8, 0.999),
        scale: 0.7,
        forbidden: [0, 50, 102],
      }),
    );
  });
});

describe.each([
  ['native', native],
  ['portable', portable],
] as const)('%s', (_, kernels) => {
  it('gradients of activations are the slopes of their formulas', () => {
    const inputs: Inputs = { gate: scaled(random([3, 5], 1), 3), up: random([3, 5], 2) };
    const dy = random([3, 5], 3);
    const f = ({ gate, up }: Inputs) => gate!.data.map((g, i) => (g / (1 + Math.exp(-g))) * up!.data[i]!);
    const z = scaled(random([3, 5], 4), 3);
    const gelus = {
      quick: ({ x }: Inputs) => x!.data.map((value) => value / (1 + Math.exp(-1.702 * value))),
      tanh: ({ x }: Inputs) =>
        x!.data.map((v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
    };
    scope(() => {
      const { dGate, dUp } = kernels.swigluGradient({
        ...{ gate: toDevice(inputs.gate!), up: toDevice(inputs.up!), d: toDevice(dy) },
      });
      expectGradients({ f, inputs, dy, found: { gate: downloadFloats(dGate), up: downloadFloats(dUp) } });
      const bias = toDevice(map(random([5], 1), () => 0));
      for (const form of ['quick', 'tanh'] as const) {
        const { dx } = kernels.geluGradient({ x: toDevice(z), bias, form, d: toDevice(dy) });
        expectGradients({ f: gelus[form], inputs: { x: z }, dy, found: { x: downloadFloats(dx) } });
      }
    });
  });

  it('gradients of attention weights are the slopes of a masked softmax over both sets of keys', () => {
    const [n, P, K, R] = [6, 4, 3, 2];
    const inputs: Inputs = { onPrompt: random([1, n, P], 1), onOwn: random([1, n, K], 2) };
    const d = { onPrompt: random([1, n, P], 3), onOwn: random([1, n, K], 4) };
    const length = 3;
    /** Σ d · weights, by row, so that the direction is in it. */
    const f = ({ onPrompt, onOwn }: Inputs) =>
      Array.from({ length: n }, (_row, i) => {
        const own = Math.floor(i / R) + 1;
        const z = [...onPrompt!.data.slice(i * P, i * P + length), ...onOwn!.data.slice(i * K, i * K + own)];
        const total = z.reduce((sum, x) => sum + Math.exp(x), 0);
        const slopes = [...d.onPrompt.data.slice(i * P, i * P + length), ...d.onOwn.data.slice(i * K, i * K + own)];
        return z.reduce((sum, x, j) => sum + (Math.exp(x) / total) * slopes[j]!, 0);
      });
    scope(() => {
      const on = (x: Record<'onPrompt' | 'onOwn', Plain>) => ({
        onPrompt: toDevice(x.onPrompt),
        onOwn: toDevice(x.onOwn),
      });
      const of: AttentionView = { n, KV: 1, R, C: K, causal: true, starts: [0], promptLengths: [length] };
      const scores = { onPrompt: toDevice(inputs.onPrompt!), onOwn: toDevice(inputs.onOwn!) };
      const { dScores } = kernels.attentionWeightsGradient(scores, on(d), of);
      const found = { onPrompt: downloadFloats(dScores.onPrompt!), onOwn: downloadFloats(dScores.onOwn) };
      expectGradients({ f, inputs, dy: map(random([n], 5), () => 1), found });
    });
  });

  it('what is not a number stays so', () => {
    const x: Plain = { shape: [2, 20], data: random([2, 20], 1).data.with(3, Number.NaN) };
    scope(() => {
      const ones = toDevice(map(random([20], 1), () => 1));
      const { y } = kernels.norm({ x: toDevice(x), weight: ones, epsilon: 1e-6, type: 'float32' });
      const of: AttentionView = { n: 2, KV: 1, R: 1, C: 2, causal: false, starts: [], promptLengths: [] };
      const weights = kernels.attentionWeights({ onOwn: reshape(toDevice(x), [1, 2, 20]) }, of).onOwn;
      const found = [y, weights, kernels.swiglu({ gate: toDevice(x), up: toDevice(x) })].map(downloadFloats);
      for (const values of found) {
        expect(values[3]).toBeNaN();
        expect(values.subarray(20).every(Number.isFinite)).toBe(true);
      }
    });
  });
});
