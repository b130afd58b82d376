import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Sampling } from '../../src/rollout/completion.js';
import { drawTokens } from '../../src/rollout/sampler.js';
import { activeBackend } from '../../src/tensor/active.js';
import { upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { readJsonFixture } from '../policy/reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

afterEach(() => expect(activeBackend().liveTensors()).toBe(0));

const plain: Sampling = {
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  max_completion_length: 9,
  min_completion_length: 0,
};
/** Tokens 0 … 4 have these probabilities; not in order of size. */
const P = [0.1, 0.4, 0.05, 0.15, 0.3];

/** Draws with each uniform number from the same distribution. */
const draw = (uniforms: number[], sampling: Partial<Sampling> = {}, forbidden: number[] = [], seen: number[] = []) => {
  const { tokens, logprobs } = scope(() =>
    drawTokens({
      logits: upload(Float32Array.from(uniforms.flatMap(() => P.map(Math.log))), [uniforms.length, P.length]),
      uniforms: Float32Array.from(uniforms),
      sampling: { ...plain, ...sampling },
      forbidden,
      seen: () => seen,
    }),
  );
  return { tokens: [...tokens], logprobs: [...logprobs] };
};

/** What scripts/fixtures/knobs.py had transformers' processors make of logits. */
interface Sampled {
  sampling: { logits: number[][]; before: number[][]; cases: { options: Partial<Sampling>; p: number[][] }[] };
}
const { sampling: torch } = await readJsonFixture<Sampled>('knobs.json');

it.each(torch.cases)('draws from what transformers would: $options', ({ options, p }) => {
  const DRAWS = 4000;
  for (const [row, logits] of torch.logits.entries()) {
    const { tokens } = scope(() =>
      drawTokens({
        logits: upload(Float32Array.from(Array(DRAWS).fill(logits).flat()), [DRAWS, logits.length]),
        uniforms: Float32Array.from({ length: DRAWS }, (_, i) => (i + 0.5) / DRAWS),
        sampling: { ...plain, ...options },
        forbidden: [],
        seen: () => new Set(torch.before[row]!),
      }),
    );
    const found = logits.map((_, token) => tokens.filter((drawn) => drawn === token).length / DRAWS);
    for (const [token, wanted] of p[row]!.entries()) expect(Math.abs(found[token]! - wanted)).toBeLessThan(2 / DRAWS);
  }
});

describe('drawTokens', () => {
  it('inverts the cumulative distribution in the order of the tokens', () => {
    const { tokens, logprobs } = draw([0, 0.09, 0.11, 0.49, 0.51, 0.56, 0.71, 0.99]);
    expect(tokens).toEqual([0, 0, 1, 1, 2, 3, 4, 4]);
    for (const [i, token] of tokens.entries()) expect(logprobs[i]).toBeCloseTo(Math.log(P[token]!), 5);
  });

  it('with top_k or top_p goes through the likely tokens in descending order', () => {
    const uniforms = [0, 0.55, 0.6, 0.99];
    expect(draw(uniforms, { top_k: 2 }).tokens).toEqual([1, 1, 4, 4]);
    expect(draw(uniforms, { top_p: 0.6 }).tokens).toEqual([1, 1, 4, 4]);
    expect(draw(uniforms, { top_p: 0.71 }).tokens).toEqual([1, 4, 4, 3]);
    expect(draw(uniforms, { top_k: 1 }).tokens).toEqual([1, 1, 1, 1]);
  });

  it('log-probs are those of the whole distribution at the temperature, whatever was cut off', () => {
    const { logprobs } = draw([0], { top_k: 1 });
    expect(logprobs[0]).toBeCloseTo(Math.log(0.4), 5);
    const total = P.reduce((sum, p) => sum + p ** 2, 0);
    expect(draw([0.2], { temperature: 0.5 }).logprobs[0]).toBeCloseTo(Math.log(0.4 ** 2 / total), 5);
  });

  it('with min_p draws from what is at least that part of the likeliest', () => {
    expect(draw([0, 0.47, 0.48, 0.99], { min_p: 0.3 }).tokens).toEqual([1, 1, 4, 3]);
    expect(draw([0, 0.99], { min_p: 0.8 }).tokens).toEqual([1, 1]);
    expect(draw([0.99], { min_p: 0.3, top_k: 2 }).tokens).toEqual([4]);
  });

  it('with repetition_penalty what stands before is less likely, and log-probs are the policy’s all the same', () => {
    // All logits here are negative: those seen are multiplied, log 0.4 · 3 = log 0.064.
    const { tokens, logprobs } = draw([0, 0.2], { repetition_penalty: 3, temperature: 0 }, [], [1]);
    expect(tokens).toEqual([4, 4]);
    expect(logprobs[0]).toBeCloseTo(Math.log(0.3), 5);
    const drawn = draw([0.1, 0.5, 0.8, 0.85, 0.99], { repetition_penalty: 3 }, [], [1]);
    expect(drawn.tokens).toEqual([4, 3, 0, 1, 2]);
    for (const [i, token] of drawn.tokens.entries()) expect(drawn.logprobs[i]).toBeCloseTo(Math.log(P[token]!), 5);
  });

  it('temperature 0 takes the likeliest', () => {
    expect(draw([0.99, 0], { temperature: 0 }).tokens).toEqual([1, 1]);
    expect(draw([0.99], { temperature: 0 }, [1]).tokens).toEqual([4]);
  });

  it.each([{}, { top_k: 5 }, { top_p: 0.999 }])(
    'never draws a forbidden token, even with a number that float32 rounds up to 1: %j',
    (limits) => {
      expect(Math.fround(1 - 2 ** -30)).toBe(1);
      expect(draw([0, 0.5, 0.99, 1 - 2 ** -30], limits, [3, 4]).tokens.every((token) => token < 3)).toBe(true);
    },
  );
});
