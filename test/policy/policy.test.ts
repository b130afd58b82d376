import { beforeAll, describe, expect, it } from 'vitest';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { Policy } from '../../src/policy/policy.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import {
  fixture,
  largestDifference,
  type ModelCase,
  readJsonFixture,
  readTensorFixture,
  standardDeviation,
  toPrompt,
} from './reference-models.js';

const MODELS = ['grouped-tied', 'multi-query-bf16', 'long-video-f16', 'flat-sharded'];

beforeAll(async () => {
  await startRuntime({ report: () => {} });
});

it.each(MODELS)('%s is sharp enough to notice a mistake: positions off by one move log-probs', async (name) => {
  const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`models/${name}/case.json`);
  const model = await loadModel({ folder: fixture(`models/${name}`), type: 'float32' });
  const policy = new Policy({ ...model, features: null });
  for (const recorded of cases) {
    const prompt = toPrompt(recorded);
    const completions = [[Int32Array.from(recorded.completion_ids)]];
    const shifted = { ...prompt, nextPosition: prompt.nextPosition + 1 };
    const { logprobs } = policy.score({ batch: toBatch({ prompts: [shifted], completions }), temperature: 1 });
    expect(largestDifference(logprobs, recorded.logprobs['1']!)).toBeGreaterThan(0.05);
  }
  policy.parameters.dispose();
});

describe.each(MODELS)('%s gives what Hugging Face transformers gives', (name) => {
  const load = async () => {
    const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`models/${name}/case.json`);
    const tensors = await readTensorFixture(`models/${name}/case.safetensors`);
    const policy = new Policy({
      ...(await loadModel({ folder: fixture(`models/${name}`), type: 'float32' })),
      features: null,
    });
    return { cases, tensors, policy };
  };

  it('for logits after the prompt and the vision tower', async () => {
    const { cases, tensors, policy } = await load();
    for (const [i, recorded] of cases.entries()) {
      const batch = toBatch({ prompts: [toPrompt(recorded)] });
      const expected = tensors.get(`${i}.prompt_logits`)!;
      const V = expected.shape[1]!;
      const last = expected.data.slice(-V);
      const found = scope(() => downloadFloats(policy.encodePrompts({ batch, keepsPass: false }).logits));
      expect(largestDifference(found, last) / standardDeviation(last)).toBeLessThan(1e-4);

      const vision = tensors.get(`${i}.vision`);
      if (vision === undefined) continue;
      const seen = scope(() => downloadFloats(policy.see(batch.visuals)));
      expect(largestDifference(seen, vision.data) / standardDeviation(vision.data)).toBeLessThan(1e-4);
    }
    policy.parameters.dispose();
  });

  it('for log-probs of completions, at two temperatures', async () => {
    const { cases, policy } = await load();
    for (const recorded of cases) {
      const completions = [[Int32Array.from(recorded.completion_ids)]];
      const batch = toBatch({ prompts: [toPrompt(recorded)], completions });
      for (const temperature of [1, 0.7]) {
        const { logprobs } = policy.score({ batch, temperature });
        expect(largestDifference(logprobs, recorded.logprobs[temperature]!)).toBeLessThan(2e-4);
      }
    }
    policy.parameters.dispose();
  });

  it('for prompts of different length in one batch, each with several completions', async () => {
    const { cases, policy } = await load();
    const prompts = cases.map(toPrompt);
    const full = cases.map(({ completion_ids }) => Int32Array.from(completion_ids));
    const completions = full.map((ids) => [ids.slice(0, 3), ids, ids.slice(0, 1)]);
    const batch = toBatch({ prompts, completions });
    const { logprobs } = policy.score({ batch, temperature: 1 });
    for (const [b, recorded] of cases.entries())
      for (const g of [0, 1, 2]) {
        const i = b * 3 + g;
        const found = logprobs.slice(batch.layout.offsets[i], batch.layout.offsets[i + 1]);
        expect(found).toHaveLength(completions[b]![g]!.length);
        expect(largestDifference(found, recorded.logprobs['1']!.slice(0, found.length))).toBeLessThan(2e-4);
      }
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });
});
