import { beforeAll, describe, expect, it } from 'vitest';
import { toBatch } from '../../src/policy/batch.js';
import { familyOf } from '../../src/policy/families/named.js';
import { loadModel } from '../../src/policy/load.js';
import { Policy } from '../../src/policy/policy.js';
import { mropePositions } from '../../src/prompt/positions.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import {
  fixture,
  largestDifference,
  type ModelCase,
  REFERENCE_MODELS,
  readJsonFixture,
  readTensorFixture,
  standardDeviation,
  toPrompt,
} from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
});

it.each(REFERENCE_MODELS)(
  '%s is sharp enough to notice a mistake: positions off by one move log-probs',
  async (name) => {
    const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`${name}/case.json`);
    const model = await loadModel({ folder: fixture(name), type: 'float32' });
    const policy = new Policy({ ...model, features: null });
    for (const recorded of cases) {
      const prompt = toPrompt(recorded);
      const completions = [[Int32Array.from(recorded.completion_ids)]];
      const shifted = { ...prompt, nextPosition: prompt.nextPosition + 1 };
      const { logprobs } = policy.score({ batch: toBatch({ prompts: [shifted], completions }), temperature: 1 });
      expect(largestDifference(logprobs, recorded.logprobs['1']!)).toBeGreaterThan(0.05);
    }
    policy.parameters.dispose();
  },
);

describe.each(REFERENCE_MODELS)('%s gives what Hugging Face transformers gives', (name) => {
  const load = async () => {
    const { cases } = await readJsonFixture<{ cases: ModelCase[] }>(`${name}/case.json`);
    const tensors = await readTensorFixture(`${name}/case.safetensors`);
    const policy = new Policy({
      ...(await loadModel({ folder: fixture(name), type: 'float32' })),
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
      const [seen, ...deep] = scope(() => {
        const { tokens, deep } = policy.see(batch.visuals);
        return [tokens, ...deep].map(downloadFloats);
      });
      expect(largestDifference(seen!, vision.data) / standardDeviation(vision.data)).toBeLessThan(1e-4);
      for (const [k, found] of deep.entries()) {
        const { data } = tensors.get(`${i}.deep.${k}`)!;
        expect(largestDifference(found, data) / standardDeviation(data)).toBeLessThan(1e-4);
      }
      expect(tensors.has(`${i}.deep.${deep.length}`)).toBe(false);
    }
    policy.parameters.dispose();
  });

  it('for positions, by the rule that the weights were trained with', async () => {
    const { cases, policy } = await load();
    const { config } = policy;
    for (const recorded of cases) {
      const { tokenIds, visuals, positions, nextPosition } = toPrompt(recorded);
      const found = mropePositions({
        tokenIds,
        visionTokenIds: [config.imageTokenId, config.videoTokenId],
        blocks: visuals.flatMap((visual) => familyOf(config).prompt.blocks({ visual, config })),
        mergeSize: config.vision.spatialMergeSize,
      });
      expect(found).toEqual({ positions, nextPosition });
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
