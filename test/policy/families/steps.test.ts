import { beforeAll, describe, expect, it } from 'vitest';
import { readTrainable, type TrainableAdapter } from '../../../src/policy/adapter/trainable.js';
import { toBatch } from '../../../src/policy/batch.js';
import { loadModel } from '../../../src/policy/load.js';
import { addAdapters } from '../../../src/policy/lora.js';
import { Policy } from '../../../src/policy/policy.js';
import { isVision } from '../../../src/policy/shapes.js';
import { FeatureCache } from '../../../src/policy/vision/feature-cache.js';
import { activeBackend } from '../../../src/tensor/active.js';
import { downloadFloats } from '../../../src/tensor/ops.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { dispose } from '../../../src/tensor/tensor.js';
import type { Objective } from '../../../src/trainer/loss/objective.js';
import { accumulateGrpo, toMicroBatches } from '../../../src/trainer/micro-batch.js';
import { accumulateSft, toSftBatch } from '../../../src/trainer/sft-batch.js';
import { objectiveWith } from '../../trainer/objective.js';
import {
  fixture,
  largestDifference,
  type RecordedPrompt,
  readJsonFixture,
  readTensorFixture,
  relativeError,
  toPrompt,
  withKey,
} from '../reference-models.js';

/** What scripts/fixtures/family_steps.py computes with PyTorch, repeating each prompt for every completion. */
interface Step {
  settings: Omit<Objective, 'loss_type'>;
  prompts: RecordedPrompt[];
  completion_ids: number[][][];
  advantages: number[][];
}
interface Expected {
  grpo: { policy_logprobs: number[][][]; reference_logprobs: number[][][]; kl: number; loss: { grpo: number } };
  sft: { logprobs: number[][]; loss: number };
}
type Setup = 'full' | 'frozen-vision' | 'lora';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const TRAINS = { full: () => true, 'frozen-vision': (name: string) => !isVision(name), lora: () => false };

async function load(family: string, setup: Setup, activationBytes?: number) {
  const root = `families/${family}/step`;
  const folder = fixture(`${root}/${setup === 'lora' ? 'reference' : `policy-${setup}`}`);
  const { config, parameters } = await loadModel({ folder, type: 'float32', trains: TRAINS[setup] });
  if (setup === 'lora') {
    const adapter = (await readTrainable({ folder: fixture(`${root}/adapter`), model: config })) as TrainableAdapter;
    addAdapters({ parameters, ...adapter });
  }
  const step = await readJsonFixture<Step>(`${root}/batch.json`);
  const features = setup === 'frozen-vision' ? new FeatureCache({ capacity: 2 ** 20 }) : null;
  return {
    policy: new Policy({ config, parameters, features, activationBytes }),
    step,
    expected: (await readJsonFixture<Record<Setup, Expected>>(`${root}/expected.json`))[setup],
    groups: step.prompts.map((prompt, b) => ({
      prompt: withKey(toPrompt(prompt), String(b)),
      completions: step.completion_ids[b]!.map((ids) => Int32Array.from(ids)),
      advantages: step.advantages[b]!,
    })),
    close: () => {
      features?.dispose();
      parameters.dispose();
      expect(activeBackend().liveTensors()).toBe(0);
    },
  };
}

async function expectGradients({ parameters }: Policy, file: string) {
  const expected = await readTensorFixture(file);
  const ours = (name: string) =>
    name.replace(/^base_model\.model\.model\.language_model\./, 'model.').replace(/^base_model\.model\.model\./, '');
  expect(new Set(parameters.gradients.keys())).toEqual(new Set([...expected.keys()].map(ours)));
  for (const [name, { data }] of expected) {
    const found = downloadFloats(parameters.gradients.get(ours(name))!);
    expect(relativeError(found, data), name).toBeLessThan(1e-4);
  }
}

const CASES = ['qwen2_5_vl', 'qwen3_vl'].flatMap((family) =>
  (['full', 'frozen-vision', 'lora'] as const).map((setup) => ({ family, setup })),
);

describe.each(CASES)('$family, $setup: log-probs and every gradient are those of PyTorch', ({ family, setup }) => {
  it.each([
    ['in one go', undefined, false],
    ['with every layer computed again', 0, false],
    ['after a kept pass over the prompts', undefined, true],
  ])('GRPO, %s', async (_, activationBytes, keepsPass) => {
    const { policy, groups, step, expected, close } = await load(family, setup, activationBytes);
    const objective = objectiveWith({ ...step.settings, loss_type: 'grpo' });
    const [microBatch] = toMicroBatches([groups], objective);
    microBatch!.referenceLogprobs = Float32Array.from(expected.grpo.reference_logprobs.flat(2));
    const prompts = toBatch({ prompts: groups.map(({ prompt }) => prompt) });
    const encoded = keepsPass ? policy.encodePrompts({ batch: prompts, keepsPass }) : undefined;
    if (encoded !== undefined) dispose(encoded.cache, encoded.logits);
    const pass = encoded?.pass ?? undefined;
    expect(pass === undefined).toBe(!keepsPass);
    const { loss, kl, tokens, logprobs } = accumulateGrpo({ policy, microBatch: microBatch!, objective, pass });
    expect(largestDifference(logprobs, expected.grpo.policy_logprobs.flat(2))).toBeLessThan(5e-5);
    expect(loss).toBeCloseTo(expected.grpo.loss.grpo, 5);
    expect(kl / tokens).toBeCloseTo(expected.grpo.kl, 5);
    await expectGradients(policy, `families/${family}/step/gradients/${setup}-grpo.safetensors`);
    close();
  });

  it('SFT', async () => {
    const { policy, groups, expected, close } = await load(family, setup);
    const targets = groups.map(({ prompt, completions }) => ({ prompt, completion: completions[2]! }));
    const batch = toSftBatch(targets);
    const { loss } = accumulateSft({ policy, batch, weight: 1 / batch.layout.targets.length });
    expect(loss).toBeCloseTo(expected.sft.loss, 4);
    await expectGradients(policy, `families/${family}/step/gradients/${setup}-sft.safetensors`);
    close();
  });
});
