import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../../src/policy/adapter/plan.js';
import { planDifference, readTrainable, type TrainableAdapter } from '../../../src/policy/adapter/trainable.js';
import { toBatch } from '../../../src/policy/batch.js';
import { loadModel } from '../../../src/policy/load.js';
import { addAdapters } from '../../../src/policy/lora.js';
import { mergeAdapter } from '../../../src/policy/merge.js';
import { Policy } from '../../../src/policy/policy.js';
import { activeBackend } from '../../../src/tensor/active.js';
import { startRuntime } from '../../../src/tensor/runtime.js';
import { folderWith } from '../../folder.js';
import { nextLogits } from '../next-logits.js';
import {
  fixture,
  largestDifference,
  type ModelCase,
  readJsonFixture,
  readTensorFixture,
  standardDeviation,
  toPrompt,
} from '../reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const casesOf = async (model: string) =>
  (await readJsonFixture<{ cases: ModelCase[] }>(`models/${model}/case.json`)).cases;

const scoresOf = (policy: Policy, recorded: ModelCase): Float32Array => {
  const completions = [[Int32Array.from(recorded.completion_ids)]];
  return policy.score({ batch: toBatch({ prompts: [toPrompt(recorded)], completions }), temperature: 1 }).logprobs;
};

type Expected = Record<string, { model: string; moved: number; cases: number[][] }>;
const expected = await readJsonFixture<Expected>('adapters/expected.json');

// Each kind of change, written by peft; the log-probs are those that peft gives.
describe.each(Object.entries(expected))('%s', (name, { model, cases }) => {
  const base = fixture(`models/${model}`);
  const adapter = fixture(`adapters/${name}`);

  it.each(['added at load', 'merged'])('%s, the model gives the log-probs that peft gives', async (way) => {
    const output = path.join(await folderWith(), 'merged');
    if (way === 'merged') await mergeAdapter({ model: base, adapter, output });
    const source = way === 'merged' ? { folder: output } : { folder: base, adapter };
    const policy = new Policy({ ...(await loadModel({ ...source, type: 'float32' })), features: null });
    for (const [i, recorded] of (await casesOf(model)).entries())
      expect(largestDifference(scoresOf(policy, recorded), cases[i]!)).toBeLessThan(5e-5);
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });
});

it('an adapter of the decoder can stay beside the weights, with the logits that it gives in peft', async () => {
  const { config, parameters } = await loadModel({ folder: fixture('models/grouped-tied'), type: 'float32' });
  const adapter = (await readTrainable({ folder: fixture('adapter'), model: config })) as TrainableAdapter;
  const target_modules = ['down_proj', 'gate_proj', 'q_proj', 'v_proj'];
  const lora = { r: 3, lora_alpha: 12, target_modules };
  const planned = planAdapter({ model: config, lora, freezesVision: true });
  expect(planDifference(adapter.plan, planned)).toBeUndefined();
  addAdapters({ parameters, ...adapter });
  const policy = new Policy({ config, parameters, features: null });
  const wantedScores = await readJsonFixture<{ cases: { logprobs: number[] }[] }>('adapter/case.json');
  const logits = await readTensorFixture('adapter/case.safetensors');
  for (const [i, recorded] of (await casesOf('grouped-tied')).entries()) {
    const { logprobs } = wantedScores.cases[i]!;
    expect(largestDifference(scoresOf(policy, recorded), logprobs)).toBeLessThan(2e-5);
    const { shape, data } = logits.get(`${i}.completion_logits`)!;
    const [C, V] = shape as [number, number];
    for (const count of [0, C - 1]) {
      const found = nextLogits({ policy, recorded, count });
      const wanted = data.slice(count * V, (count + 1) * V);
      expect(largestDifference(found, wanted) / standardDeviation(wanted)).toBeLessThan(1e-4);
    }
    // The control: without the adapter they are far away.
    const bare = new Policy({ config, parameters: parameters.withoutAdapters(), features: null });
    expect(largestDifference(scoresOf(bare, recorded), logprobs)).toBeGreaterThan(0.05);
  }
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});
