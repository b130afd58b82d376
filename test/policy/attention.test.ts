import { beforeAll, describe, expect, it } from 'vitest';
import type { TextConfig } from '../../src/model-folder/model-config.js';
import { attention } from '../../src/policy/attention.js';
import { attentionBackward } from '../../src/policy/attention-backward.js';
import { type Geometry, geometryOf } from '../../src/policy/geometry.js';
import { type Projected, splitHeads } from '../../src/policy/heads.js';
import { type Layout, layOut } from '../../src/policy/layout.js';
import type { Prompt } from '../../src/prompt/prompt.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { type Plain, random, toDevice } from '../tensor/plain.js';
import { direction, type Inputs, numericSlope } from './numeric.js';
import { relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const [KV, R, D] = [2, 3, 4];

const config: TextConfig = {
  vocabSize: 10,
  hiddenSize: KV * R * D,
  intermediateSize: 8,
  numLayers: 1,
  numHeads: KV * R,
  numKeyValueHeads: KV,
  headDim: D,
  qkNorm: false,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  attentionBias: true,
  ropeAxes: [0, 1],
};

const prompt = (length: number): Prompt => ({
  tokenIds: new Int32Array(length),
  positions: new Int32Array(3 * length),
  nextPosition: length,
  visuals: [],
});

/** The rows that each row sees, in order: itself last. Rows of padding see none. */
function visibleRows({ B, P, G, C, promptLengths }: Layout): Map<number, number[]> {
  const seen = new Map<number, number[]>();
  for (let b = 0; b < B; b++) {
    const own = Array.from({ length: promptLengths[b]! }, (_, p) => b * P + p);
    for (const [p, row] of own.entries()) seen.set(row, own.slice(0, p + 1));
    for (let g = 0; g < G; g++) {
      const completion = Array.from({ length: C }, (_, c) => B * P + (b * G + g) * C + c);
      for (const [c, row] of completion.entries()) seen.set(row, [...own, ...completion.slice(0, c + 1)]);
    }
  }
  return seen;
}

/** Attention row by row and head by head (nothing is turned), every completion with a prompt of its own. `[N, KV · R · D]`, padding zero */
function plainAttention({ q, k, v }: Inputs, seen: Map<number, number[]>): Float64Array {
  const width = KV * R * D;
  const y = new Float64Array(q!.data.length);
  for (const [row, keys] of seen)
    for (let head = 0; head < KV * R; head++) {
      const kv = Math.floor(head / R) * D;
      const scores = keys.map((key) => {
        let score = 0;
        for (let d = 0; d < D; d++) score += q!.data[row * width + head * D + d]! * k!.data[key * KV * D + kv + d]!;
        return score / Math.sqrt(D);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [i, key] of keys.entries())
        for (let d = 0; d < D; d++)
          y[row * width + head * D + d]! += (weights[i]! / total) * v!.data[key * KV * D + kv + d]!;
    }
  return y;
}

/** Without rotation, which has its own test. */
function unturned(layout: Layout): Geometry {
  const n = rowsOf(layout);
  const cos = upload(new Float32Array(n * D).fill(1), [n, D]);
  const sin = upload(new Float32Array(n * D), [n, D]);
  const geometry = geometryOf({ layout, config });
  return { ...geometry, rotary: { cos, sin }, asking: { ...geometry.asking, rotary: { cos, sin } } };
}

const rowsOf = (layout: Layout) => layout.tokenIds.length;
const inputsOf = (n: number): Inputs => ({
  q: { ...random([n, KV * R * D], 1), data: random([n, KV * R * D], 1).data.map((x) => Math.fround(3 * x)) },
  k: random([n, KV * D], 2),
  v: random([n, KV * D], 3),
});

describe.each([
  { name: 'prompts of different length, several query blocks', lengths: [300, 260], completions: [3, 5] },
  { name: 'one prompt, one completion', lengths: [9], completions: [4] },
  { name: 'prompts alone', lengths: [270, 5], completions: [] },
])('$name', ({ lengths, completions }) => {
  const layout = layOut({
    prompts: lengths.map(prompt),
    completions: completions.length === 0 ? undefined : lengths.map(() => completions.map((C) => new Int32Array(C))),
  });
  const seen = visibleRows(layout);
  const inputs = inputsOf(rowsOf(layout));
  const onDevice = (): Projected => ({ q: toDevice(inputs.q!), k: toDevice(inputs.k!), v: toDevice(inputs.v!) });
  const isReal = (row: number) => seen.has(row);

  it('is that of repeated prompts, and so is its gradient', () => {
    const width = KV * R * D;
    const wanted = plainAttention(inputs, seen);
    const noise = random([rowsOf(layout), width], 4);
    const dy: Plain = { ...noise, data: noise.data.map((x, i) => (isReal(Math.floor(i / width)) ? x : 0)) };
    const found = scope(() => {
      const geometry = unturned(layout);
      const saved = splitHeads({ projected: onDevice(), biases: {}, geometry });
      const y = attention(saved, geometry);
      const backward = attentionBackward({ saved, dy: toDevice(dy), geometry });
      return {
        y: downloadFloats(y),
        q: downloadFloats(backward.q),
        k: downloadFloats(backward.k),
        v: downloadFloats(backward.v),
      };
    });
    const real = found.y.map((x, i) => (isReal(Math.floor(i / width)) ? x : 0));
    expect(relativeError(real, wanted)).toBeLessThan(1e-6);

    const prompts = layout.B * layout.P;
    const regions: [string, (row: number) => boolean][] = [
      ['the first block of queries', (row) => row < prompts && row % layout.P < 256],
      ['the second block', (row) => row < prompts && row % layout.P >= 256],
      ['completions', (row) => row >= prompts],
    ];
    for (const name of ['q', 'k', 'v'] as const)
      for (const [region, isIn] of regions) {
        const columns = inputs[name]!.shape[1]!;
        const along = direction(
          inputs[name]!,
          5,
          (i) => isIn(Math.floor(i / columns)) && isReal(Math.floor(i / columns)),
        );
        if (along.every((x) => x === 0)) continue;
        const slope = numericSlope({
          f: (changed) => plainAttention(changed, seen),
          inputs,
          name,
          dy,
          direction: along,
        });
        const product = found[name].reduce((sum, x, i) => sum + x * along[i]!, 0);
        expect(Math.abs(product / slope - 1), `${name} of ${region}`).toBeLessThan(1e-3);
      }
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('gives rows of padding no gradient', () => {
    const backward = scope(() => {
      const geometry = unturned(layout);
      const saved = splitHeads({ projected: onDevice(), biases: {}, geometry });
      const mask = random([rowsOf(layout), KV * R * D], 4);
      const dy = { ...mask, data: mask.data.map((x, i) => (isReal(Math.floor(i / (KV * R * D))) ? x : 0)) };
      const { q, k, v } = attentionBackward({ saved, dy: toDevice(dy), geometry });
      return [q, k, v].map(downloadFloats);
    });
    for (const gradient of backward) {
      const columns = gradient.length / rowsOf(layout);
      expect(gradient.every(Number.isFinite)).toBe(true);
      expect(gradient.filter((_, i) => !isReal(Math.floor(i / columns))).every((x) => Math.abs(x) === 0)).toBe(true);
    }
  });
});
