import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrainable, type TrainableAdapter } from '../../src/policy/adapter/trainable.js';
import { loadModel } from '../../src/policy/load.js';
import { addAdapters } from '../../src/policy/lora.js';
import { Policy } from '../../src/policy/policy.js';
import { useBackend } from '../../src/tensor/active.js';
import type { Backend } from '../../src/tensor/backend.js';
import { startWasm } from '../../src/tensor/backends/wasm/backend.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import type { Objective } from '../../src/trainer/loss/objective.js';
import { accumulateGrpo, toMicroBatches } from '../../src/trainer/micro-batch.js';
import { objectiveWith } from '../trainer/objective.js';
import {
  fixture,
  largestDifference,
  type RecordedPrompt,
  readJsonFixture,
  readTensorFixture,
  relativeError,
  toPrompt,
} from './reference-models.js';

let wasm: Backend;
let before: Backend | null = null;
beforeAll(async () => {
  wasm = await startWasm();
  before = useBackend(wasm);
});
afterAll(() => {
  if (before !== null) useBackend(before);
});

interface Step {
  settings: Omit<Objective, 'loss_type'>;
  prompts: RecordedPrompt[];
  completion_ids: number[][][];
  advantages: number[][];
}
type Expected = Record<string, { grpo: { policy_logprobs: number[][][]; reference_logprobs: number[][][] } }>;

describe('WebAssembly gives the step that PyTorch gives', () => {
  it.each(['full', 'lora'] as const)('%s: log-probs and every gradient', async (setup) => {
    const live = wasm.liveTensors();
    const trainsAll = setup === 'full';
    const { config, parameters } = await loadModel({
      folder: fixture(`step/${trainsAll ? 'policy-full' : 'reference'}`),
      type: 'float32',
      trains: () => trainsAll,
    });
    if (!trainsAll) {
      const folder = fixture('step/adapter');
      const adapter = (await readTrainable({ folder, model: config })) as TrainableAdapter;
      addAdapters({ parameters, ...adapter });
    }
    const policy = new Policy({ config, parameters, features: null });
    const step = await readJsonFixture<Step>('step/batch.json');
    const { policy_logprobs, reference_logprobs } = (await readJsonFixture<Expected>('step/expected.json'))[setup]!
      .grpo;
    const groups = step.prompts.map((prompt, b) => ({
      prompt: toPrompt(prompt),
      completions: step.completion_ids[b]!.map((ids) => Int32Array.from(ids)),
      advantages: step.advantages[b]!,
    }));
    const objective = objectiveWith({ ...step.settings, loss_type: 'grpo' });
    const [microBatch] = toMicroBatches([groups], objective);
    const referenceLogprobs = Float32Array.from(reference_logprobs.flat(2));
    const { logprobs } = accumulateGrpo({ policy, microBatch: { ...microBatch!, referenceLogprobs }, objective });
    expect(largestDifference(logprobs, policy_logprobs.flat(2))).toBeLessThan(2e-5);
    const expected = await readTensorFixture(`step/gradients/${setup}-grpo.safetensors`);
    expect(parameters.gradients.size).toBe(expected.size);
    for (const [name, { data }] of expected) {
      const ours = name.replace(/^base_model\.model\./, '').replace(/^model\.language_model\.layers/, 'model.layers');
      expect(relativeError(downloadFloats(parameters.gradients.get(ours)!), data), name).toBeLessThan(2e-4);
    }
    parameters.dispose();
    expect(wasm.liveTensors()).toBe(live);
  });
});
