import { beforeAll, describe, expect, it } from 'vitest';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { Policy } from '../../src/policy/policy.js';
import { GREEDY } from '../../src/rollout/completion.js';
import { generate } from '../../src/rollout/generate.js';
import { uniform } from '../../src/system/random.js';
import { activeBackend } from '../../src/tensor/active.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import {
  fixture,
  largestDifference,
  type ModelCase,
  REFERENCE_MODELS,
  readJsonFixture,
  toPrompt,
} from '../policy/reference-models.js';

const greedy = { ...GREEDY, max_completion_length: 64, min_completion_length: 0 };

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

async function load(name: string) {
  const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`${name}/case.json`);
  const model = await loadModel({ folder: fixture(name), type: 'float32' });
  return { cases, policy: new Policy({ ...model, features: null }) };
}

describe.each(REFERENCE_MODELS)('%s', (name) => {
  it('continues greedily for 64 tokens as transformers does, alone and in a batch', async () => {
    const { cases, policy } = await load(name);
    const prompts = cases.map(toPrompt);
    const expected = cases.map(({ greedy_ids }) => greedy_ids);
    const options = { policy, sampling: greedy, endTokenIds: [], uniform: () => 0 };
    for (const [i, prompt] of prompts.entries()) {
      const { completions: alone } = generate({ ...options, prompts: [prompt], numGenerations: 1 });
      expect([...alone[0]![0]!.tokenIds]).toEqual(expected[i]);
    }
    const { completions: together } = generate({ ...options, prompts, numGenerations: 2 });
    for (const [i, group] of together.entries())
      for (const { tokenIds } of group) expect([...tokenIds]).toEqual(expected[i]);
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });
});

describe('sampling', () => {
  const sampling = { ...GREEDY, temperature: 1.3, max_completion_length: 24, min_completion_length: 3 };

  it('gives log-probs that scoring the completions gives again, while rows leave the batch', async () => {
    const { cases, policy } = await load('models/flat-sharded');
    const prompts = cases.map(toPrompt);
    const endTokenIds = Array.from({ length: 12 }, (_, i) => 20 + i);
    const draw = (seed: number) =>
      generate({
        policy,
        prompts,
        numGenerations: 6,
        sampling,
        endTokenIds,
        uniform: (prompt, generation, token) => uniform(seed, prompt, generation, token),
      }).completions;
    const groups = draw(1);
    const lengths = groups.flat().map(({ tokenIds }) => tokenIds.length);
    expect(new Set(lengths).size).toBeGreaterThan(4);
    expect(Math.min(...lengths)).toBeGreaterThan(3);
    for (const { tokenIds, truncated } of groups.flat()) {
      expect(endTokenIds.includes(tokenIds.at(-1)!)).toBe(!truncated);
      expect(tokenIds.slice(0, -1).some((id) => endTokenIds.includes(id))).toBe(false);
    }
    const batch = toBatch({ prompts, completions: groups.map((group) => group.map(({ tokenIds }) => tokenIds)) });
    const { logprobs } = policy.score({ batch, temperature: 1.3 });
    const sampled = groups.flat().flatMap((completion) => [...completion.logprobs]);
    expect(largestDifference(logprobs, sampled)).toBeLessThan(2e-4);

    const tokens = (result: typeof groups) => result.flat().map(({ tokenIds }) => [...tokenIds]);
    expect(tokens(draw(1))).toEqual(tokens(groups));
    expect(tokens(draw(2))).not.toEqual(tokens(groups));
  });

  it('draws tokens as often as their probabilities say, within top-k and top-p', async () => {
    const { cases, policy } = await load('models/grouped-tied');
    const prompt = toPrompt(cases[0]!);
    const draws = (limits: { top_k: number; top_p: number }) =>
      generate({
        policy,
        prompts: [prompt],
        numGenerations: 4000,
        sampling: { ...sampling, ...limits, max_completion_length: 1 },
        endTokenIds: [],
        uniform: (_, generation) => uniform(5, generation),
      }).completions[0]!;
    const frequency = new Map<number, number>();
    const probability = new Map<number, number>();
    for (const { tokenIds, logprobs } of draws({ top_k: 0, top_p: 1 })) {
      frequency.set(tokenIds[0]!, (frequency.get(tokenIds[0]!) ?? 0) + 1 / 4000);
      probability.set(tokenIds[0]!, Math.exp(logprobs[0]!));
    }
    for (const [token, share] of frequency) {
      const p = probability.get(token)!;
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / 4000) + 1e-3);
    }
    const likeliest = [...probability].sort((a, b) => b[1] - a[1]).map(([token]) => token);
    const distinct = (limits: { top_k: number; top_p: number }) =>
      new Set(draws(limits).map(({ tokenIds }) => tokenIds[0]!));
    expect(distinct({ top_k: 3, top_p: 1 })).toEqual(new Set(likeliest.slice(0, 3)));
    const p1 = probability.get(likeliest[0]!)!;
    expect(distinct({ top_k: 0, top_p: p1 * 0.99 })).toEqual(new Set(likeliest.slice(0, 1)));
    expect(distinct({ top_k: 0, top_p: p1 * 1.01 })).toEqual(new Set(likeliest.slice(0, 2)));
  });
});
