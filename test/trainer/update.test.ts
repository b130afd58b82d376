import { beforeAll, describe, expect, it } from 'vitest';
import { single } from '../../src/parallel/single.js';
import { planAdapter } from '../../src/policy/adapter/plan.js';
import { loadModel } from '../../src/policy/load.js';
import { addAdapters, initialFactors } from '../../src/policy/lora.js';
import { Policy } from '../../src/policy/policy.js';
import { FeatureCache } from '../../src/policy/vision/feature-cache.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats, upload } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import type { Objective } from '../../src/trainer/loss/objective.js';
import { accumulateGrpo, type Group, toMicroBatches } from '../../src/trainer/micro-batch.js';
import { AdamW, type OptimizerOptions } from '../../src/trainer/optimizer.js';
import { accumulateSft, toSftBatch } from '../../src/trainer/sft-batch.js';
import { applyUpdate } from '../../src/trainer/update.js';
import { inMemoryGroup } from '../parallel/in-memory.js';
import { fixture, type RecordedPrompt, readJsonFixture, toPrompt, withKey } from '../policy/reference-models.js';
import { objectiveWith } from './objective.js';

const { supportsBfloat16 } = await startRuntime({ report: () => {} });

interface Step {
  settings: Omit<Objective, 'loss_type'>;
  prompts: RecordedPrompt[];
  completion_ids: number[][][];
  advantages: number[][];
}

interface SftRun {
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  max_grad_norm: number;
  losses: number[];
  grad_norms: number[];
}

const options: OptimizerOptions = {
  adam_beta1: 0.9,
  adam_beta2: 0.99,
  adam_epsilon: 1e-8,
  weight_decay: 0.1,
  decay_norms_and_biases: false,
  max_grad_norm: 1,
};

let step: Step;
let groups: Group[];
let objective: Objective;
beforeAll(async () => {
  step = await readJsonFixture<Step>('step/batch.json');
  groups = step.prompts.map((prompt, b) => ({
    prompt: withKey(toPrompt(prompt), `video ${b}`),
    completions: step.completion_ids[b]!.map((ids) => Int32Array.from(ids)),
    advantages: step.advantages[b]!,
  }));
  objective = objectiveWith({ ...step.settings, loss_type: 'dapo' });
});

/** The third completion of each prompt, as the supervised run of the fixtures takes them. */
const superviseOn = (policy: Policy) => {
  const batch = toSftBatch(groups.map(({ prompt, completions }) => ({ prompt, completion: completions[2]! })));
  return accumulateSft({ policy, batch, weight: 1 / batch.layout.targets.length });
};

const full = async () =>
  new Policy({
    ...(await loadModel({ folder: fixture('step/policy-full'), type: 'float32', trains: () => true })),
    features: null,
  });

describe('applyUpdate', () => {
  it('makes the five supervised steps that PyTorch makes', async () => {
    const { sft_run: run } = (await readJsonFixture<{ full: { sft_run: SftRun } }>('step/expected.json')).full;
    const policy = await full();
    const { parameters } = policy;
    const optimizer = new AdamW({
      parameters,
      options: {
        adam_beta1: run.betas[0],
        adam_beta2: run.betas[1],
        adam_epsilon: run.eps,
        weight_decay: run.weight_decay,
        decay_norms_and_biases: true,
        max_grad_norm: run.max_grad_norm,
      },
    });
    for (const [i, loss] of run.losses.entries()) {
      const sums = [superviseOn(policy)];
      const update = await applyUpdate({ sums, optimizer, parameters, learningRate: run.lr, group: single });
      expect(update.loss / loss, `loss before step ${i + 1}`).toBeCloseTo(1, 4);
      expect(update.gradNorm / run.grad_norms[i]!, `gradient norm of step ${i + 1}`).toBeCloseTo(1, 3);
      expect(update.applied).toBe(true);
    }
    optimizer.dispose();
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('leaves the weights alone where the loss is not finite, and forgets the gradients', async () => {
    const policy = await full();
    const { parameters } = policy;
    const optimizer = new AdamW({ parameters, options });
    const name = 'model.norm.weight';
    const before = scope(() => downloadFloats(parameters.master(name)));
    const sums = superviseOn(policy);
    expect(parameters.gradients.size).toBeGreaterThan(0);
    const update = await applyUpdate({
      sums: [{ ...sums, loss: Number.NaN }],
      optimizer,
      parameters,
      learningRate: 1,
      group: single,
    });
    expect([update.applied, optimizer.step, parameters.gradients.size]).toEqual([false, 0, 0]);
    expect(scope(() => downloadFloats(parameters.master(name)))).toEqual(before);
    optimizer.dispose();
    parameters.dispose();
  });
});

describe('applyUpdate of two processes', () => {
  it.each(['loss', 'gradient'])('leaves the weights of both alone where the %s of one is not finite', async (what) => {
    const policies = [await full(), await full()];
    const name = 'model.norm.weight';
    const weightOf = ({ parameters }: Policy) => scope(() => downloadFloats(parameters.master(name)));
    const before = policies.map(weightOf);
    const updates = inMemoryGroup(2).map(async (group, rank) => {
      const policy = policies[rank]!;
      const { parameters } = policy;
      const optimizer = new AdamW({ parameters, options });
      const sums = superviseOn(policy);
      const isBad = rank === 1;
      if (isBad && what === 'gradient')
        scope(() => parameters.accumulate(name, upload(new Float32Array(32).fill(Number.NaN), [32])));
      const loss = isBad && what === 'loss' ? Number.NaN : sums.loss;
      const update = await applyUpdate({ sums: [{ ...sums, loss }], optimizer, parameters, learningRate: 1, group });
      optimizer.dispose();
      return [update.applied, optimizer.step, parameters.gradients.size];
    });
    expect(await Promise.all(updates)).toEqual(Array(2).fill([false, 0, 0]));
    expect(policies.map(weightOf)).toEqual(before);
    for (const { parameters } of policies) parameters.dispose();
  });
});

const kinds = [
  { name: 'full, float32', type: 'float32', adapted: false },
  { name: 'adapter, float32', type: 'float32', adapted: true },
  { name: 'full, bfloat16', type: 'bfloat16', adapted: false },
  { name: 'adapter, bfloat16', type: 'bfloat16', adapted: true },
] as const;

describe.each(kinds.filter(({ type }) => type === 'float32' || supportsBfloat16))(
  '30 steps: $name',
  ({ type, adapted }) => {
    it('leak no tensor', async () => {
      const { config, parameters } = await loadModel({
        folder: fixture('step/policy-full'),
        type,
        trains: () => !adapted,
      });
      if (adapted) {
        const lora = { r: 4, lora_alpha: 8, target_modules: ['q_proj', 'up_proj'] };
        const plan = planAdapter({ model: config, lora, freezesVision: true });
        addAdapters({ parameters, plan, values: initialFactors(1) });
      }
      const features = adapted ? new FeatureCache({ capacity: 2 ** 20 }) : null;
      const policy = new Policy({ config, parameters, features });
      const reference = adapted ? new Policy({ config, parameters: parameters.withoutAdapters(), features }) : null;
      const optimizer = new AdamW({ parameters, options });
      const microBatches = toMicroBatches(
        groups.map((group) => [group]),
        objective,
      );
      const counts: number[] = [];
      for (let i = 0; i < 30; i++) {
        const sums = microBatches.map((microBatch) => {
          const { temperature } = objective;
          const referenceLogprobs = reference?.score({ batch: microBatch.batch, temperature }).logprobs;
          return accumulateGrpo({ policy, microBatch: { ...microBatch, referenceLogprobs }, objective });
        });
        const { applied } = await applyUpdate({ sums, optimizer, parameters, learningRate: 1e-3, group: single });
        expect(applied).toBe(true);
        features?.trim();
        counts.push(activeBackend().liveTensors());
      }
      expect(new Set(counts).size).toBe(1);
      optimizer.dispose();
      features?.dispose();
      parameters.dispose();
      expect(activeBackend().liveTensors()).toBe(0);
    });
  },
);
