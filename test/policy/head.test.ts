import { beforeAll, describe, expect, it } from 'vitest';
import type { TextConfig } from '../../src/model-folder/model-config.js';
import { scoreTokens, scoreTokensBackward } from '../../src/policy/head.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { at, build, map, plain, random, toDevice } from '../tensor/plain.js';
import { expectGradients, gradientsOf, type Inputs, parametersOf } from './numeric.js';
import { largestDifference, relativeError } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const configOf = ({ vocabSize, hiddenSize }: { vocabSize: number; hiddenSize: number }): TextConfig => ({
  vocabSize,
  hiddenSize,
  intermediateSize: 8,
  numLayers: 1,
  numHeads: 1,
  numKeyValueHeads: 1,
  headDim: hiddenSize,
  qkNorm: false,
  rmsNormEps: 1e-6,
  ropeTheta: 1e4,
  attentionBias: true,
  ropeAxes: [0, 1],
});

describe.each([true, false])('tied: %s', (tied) => {
  const head = tied ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const [M, V, H] = [5, 11, 4];
  const temperature = 0.7;
  const targets = Int32Array.of(0, 10, 3, 3, 7);
  const inputs = {
    hidden: random([M, H], 1),
    'model.norm.weight': random([H], 2),
    [head]: map(random([V, H], 3), (x) => 2 * x),
  };

  /** softmax(norm(hidden) Wᵀ / T), row by row */
  const distributions = ({ hidden, 'model.norm.weight': norm, [head]: weight }: Inputs) =>
    Array.from({ length: M }, (_, i) => {
      const row = Array.from({ length: H }, (_, j) => at(hidden!, [i, j]));
      const root = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / H + 1e-6);
      const logits = Array.from({ length: V }, (_, v) =>
        row.reduce((sum, x, j) => sum + (x / root) * at(norm!, [j]) * at(weight!, [v, j]), 0),
      );
      const exps = logits.map((z) => Math.exp(z / temperature));
      const total = exps.reduce((sum, x) => sum + x, 0);
      return exps.map((x) => x / total);
    });
  const f = (changed: Inputs) => distributions(changed).map((p, i) => Math.log(p[targets[i]!]!));

  it('scores tokens at a temperature, with the entropy of what they were drawn from, and goes back', () => {
    const config = configOf({ vocabSize: V, hiddenSize: H });
    const parameters = parametersOf({ 'model.norm.weight': inputs['model.norm.weight'], [head]: inputs[head]! });
    const dy = random([M], 5);
    scope(() => {
      const args = { parameters, config, tied, hidden: toDevice(inputs.hidden), targets, temperature };
      const { logprobs, entropies } = scoreTokens(args);
      expect(largestDifference(logprobs, f(inputs))).toBeLessThan(1e-5);
      const wanted = distributions(inputs).map((p) => -p.reduce((sum, x) => sum + x * Math.log(x), 0));
      expect(largestDifference(entropies, wanted)).toBeLessThan(1e-5);
      const { scores, dHidden } = scoreTokensBackward({ ...args, gradient: () => Float32Array.from(dy.data) });
      expect(scores).toEqual({ logprobs, entropies });
      const found = { hidden: downloadFloats(dHidden), ...gradientsOf(parameters) };
      expect(Object.keys(found).sort()).toEqual(Object.keys(inputs).sort());
      expectGradients({ f, inputs, dy, found });
    });
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });
});

describe('many tokens of a wide vocabulary', () => {
  // 100 000 logits of 4 bytes: 167 tokens a chunk, so these are three.
  const [M, V, H] = [400, 100_000, 4];
  const config = configOf({ vocabSize: V, hiddenSize: H });
  const targets = Int32Array.from({ length: M }, (_, i) => (i * 7919) % V);
  const hidden = random([M, H], 1);
  const slope = Float32Array.from({ length: M }, (_, i) => Math.sin(i));
  const weights = { 'model.norm.weight': random([H], 2), 'lm_head.weight': random([V, H], 3) };

  const run = (parts: [number, number][], needsAll = false) => {
    const parameters = parametersOf(weights);
    const starts: number[] = [];
    const results = parts.map(([from, to]) =>
      scope(() => {
        const rows = build([to - from, H], ([i, j]) => at(hidden, [from + i!, j!]));
        const { scores, dHidden } = scoreTokensBackward({
          parameters,
          config,
          tied: false,
          hidden: toDevice(plain(rows.shape, rows.data)),
          targets: targets.slice(from, to),
          temperature: 1,
          needsAll,
          gradient: (start, { logprobs }) => {
            starts.push(from + start);
            return slope.slice(from + start, from + start + logprobs.length);
          },
        });
        return {
          logprobs: [...scores.logprobs],
          entropies: [...scores.entropies],
          dHidden: [...downloadFloats(dHidden)],
        };
      }),
    );
    const gradients = gradientsOf(parameters);
    parameters.dispose();
    const joined = (key: 'logprobs' | 'entropies' | 'dHidden') => results.flatMap((result) => result[key]);
    return {
      starts,
      gradients,
      logprobs: joined('logprobs'),
      entropies: joined('entropies'),
      dHidden: joined('dHidden'),
    };
  };

  it('a gradient that needs all of them is asked for once, and the rest is as it was', () => {
    const whole = run([[0, M]]);
    const asked = run([[0, M]], true);
    expect(asked.starts).toEqual([0]);
    for (const key of ['logprobs', 'entropies', 'dHidden'] as const) expect(asked[key], key).toEqual(whole[key]);
    expect(asked.gradients).toEqual(whole.gradients);
  });

  it('are scored chunk by chunk, as if it were one', () => {
    const whole = run([[0, M]]);
    expect(whole.starts).toEqual([0, 167, 334]);
    const apart = run([
      [0, 100],
      [100, 250],
      [250, M],
    ]);
    expect(apart.starts).toEqual([0, 100, 250]);
    for (const key of ['logprobs', 'entropies', 'dHidden'] as const)
      expect(relativeError(whole[key], apart[key]), key).toBeLessThan(1e-5);
    for (const [name, gradient] of Object.entries(apart.gradients))
      expect(relativeError(whole.gradients[name]!, gradient), name).toBeLessThan(1e-5);
    expect(activeBackend().liveTensors()).toBe(0);
  });
});
