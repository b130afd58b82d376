import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { labelsOf } from '../../src/dataset/classes.js';
import { loadDataset } from '../../src/dataset/load.js';
import type { Sample } from '../../src/dataset/sample.js';
import { single } from '../../src/parallel/single.js';
import { toBatch } from '../../src/policy/batch.js';
import type { Policy } from '../../src/policy/policy.js';
import { promptMaker } from '../../src/prompt/sample-prompt.js';
import type { RewardInput } from '../../src/rewards/reward.js';
import type { Rewards } from '../../src/rewards/rewards.js';
import type { RolloutEngine } from '../../src/rollout/engine.js';
import { localEngine } from '../../src/rollout/engines/local.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import type { StepContext } from '../../src/trainer/context.js';
import type { PromptedSample } from '../../src/trainer/data-stream.js';
import { Stopwatch } from '../../src/trainer/metrics.js';
import { openModels } from '../../src/trainer/models.js';
import { AdamW } from '../../src/trainer/optimizer.js';
import { completionKey } from '../../src/trainer/roll-out.js';
import { grpoStep } from '../../src/trainer/step.js';
import { tinyProject } from '../tiny-project.js';

const project = await tinyProject({ train: 4, test: 1 });
await startRuntime({ report: () => {} });

interface Record {
  sample_id: string;
  completion_ids: Int32Array;
  logprobs: Float32Array;
  ref_logprobs: Float32Array;
  advantage: number;
}

/** A random policy, and the reference that it is. */
async function openPolicy(set: string[]) {
  const options = ['method=grpo', 'grpo.beta=0.001', 'rollout.num_generations=8', ...set];
  const config = await loadConfig({ file: project.config, set: options });
  const classes = labelsOf(config.data);
  const loaded = await loadDataset({ data: config.data, split: 'train', log: () => {} });
  const models = await openModels({ config, withReference: true });
  const prepare = promptMaker({ processor: models.processor, settings: config.data, warn: expect.unreachable });
  const samples = await Promise.all(
    loaded.map(async (sample) => ({ sample, prompt: await prepare(sample), occurrence: 0 })),
  );
  const optimizer = new AdamW({ parameters: models.policy.parameters, options: config.training });
  const engine = localEngine(models);
  const context: StepContext = {
    config,
    models,
    engine,
    rewards: planted,
    verdicts: null,
    rollouts: null,
    prepareChanged: async () => null,
    optimizer,
    classes,
    group: single,
  };
  onTestFinished(() => {
    optimizer.dispose();
    models.dispose();
  });
  return { context, samples };
}

/** Rewards that every second completion earns. */
const planted = {
  scoreGroup: async (group: readonly RewardInput[]) =>
    group.map((_, g) => ({ rewards: { format: g % 2 }, reward: g % 2 })),
} as unknown as Rewards;

/** One step of GRPO on these samples. */
async function makeStep(context: StepContext, samples: PromptedSample[], step = 1) {
  const result = await grpoStep(context, {
    step,
    draw: async () => samples,
    learningRate: 1e-4,
    clock: new Stopwatch(),
  });
  return { ...result, records: result.completions as Record[] };
}

/** Everything that a model answers with: log-probs of some completions, by token. */
const scoresOf = (policy: Policy, samples: PromptedSample[], records: Record[]): Float32Array =>
  policy.score({
    batch: toBatch({
      prompts: samples.map(({ prompt }) => prompt),
      completions: samples.map(({ sample }) =>
        records.filter(({ sample_id }) => sample_id === sample.id).map(({ completion_ids }) => completion_ids),
      ),
    }),
    temperature: 1,
  }).logprobs;

const masters = ({ parameters }: Policy): Map<string, Float32Array> =>
  new Map(parameters.trainableNames.map((name) => [name, scope(() => downloadFloats(parameters.master(name)))]));

it('writes down what the reference makes of each token', async () => {
  const { context, samples } = await openPolicy(['training.prompts_per_step=2', 'grpo.steps_per_generation=2']);
  const two = samples.slice(0, 2);
  // The policy moves away, and the reference stays.
  await makeStep(context, two);
  const { records } = await makeStep(context, two);
  const expected = scoresOf(context.models.reference!, two, records);
  const written = records.flatMap(({ ref_logprobs }) => [...ref_logprobs]);
  expect(written).toHaveLength(expected.length);
  for (const [i, value] of written.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
  const own = records.flatMap(({ logprobs }) => [...logprobs]);
  expect(Math.max(...written.map((value, i) => Math.abs(value - own[i]!)))).toBeGreaterThan(1e-4);
});

describe('several updates of one rollout', () => {
  const set = ['training.prompts_per_step=2', 'grpo.steps_per_generation=2', 'grpo.epsilon=0.001'];

  it('the later ones are off-policy: their old log-probs are those of the policy that sampled', async () => {
    const { context, samples } = await openPolicy(set);
    const two = samples.slice(0, 2);
    const { metrics } = await makeStep(context, two);
    expect(context.optimizer.step).toBe(2);
    // After the first update the second part is no longer of the policy: ratios leave so narrow a clip range.
    expect(metrics.clip_ratio).toBeGreaterThan(0);
    const once = await openPolicy(['training.prompts_per_step=2', 'grpo.epsilon=0.001']);
    const { metrics: single } = await makeStep(once.context, once.samples.slice(0, 2));
    expect(once.context.optimizer.step).toBe(1);
    expect(single.clip_ratio).toBe(0);
  });
});

describe.each([
  ['full', []],
  ['LoRA', ['model.lora.r=4', 'model.freeze_vision=true', 'training.learning_rate=0.02']],
])('grpoStep (%s)', (_, set) => {
  it('moves the policy towards what was rewarded, leaves the reference alone, and keeps no tensor', async () => {
    const { context, samples } = await openPolicy(set);
    const { policy, reference } = context.models;
    // What is made at first use (a frozen tower's features, weights in their compute type) is there after a step.
    const { records } = await makeStep(context, samples);
    const tensors = activeBackend().liveTensors();
    const scores = () => ({
      policy: scoresOf(policy, samples, records),
      reference: scoresOf(reference!, samples, records),
    });
    const before = { ...scores(), weights: masters(policy) };
    const { problem, metrics } = await makeStep(context, samples);
    expect(activeBackend().liveTensors()).toBe(tensors);
    const after = { ...scores(), weights: masters(policy) };

    expect(problem).toBeNull();
    expect(metrics['groups/zero_variance']).toBeLessThan(1);
    const still = [...before.weights].filter(([name, values]) =>
      after.weights.get(name)!.every((x, i) => x === values[i]),
    );
    expect(still.map(([name]) => name)).toEqual([]);
    expect(after.reference).toEqual(before.reference);
    expect(after.reference).not.toEqual(after.policy);

    const advantages = records.flatMap(({ advantage, completion_ids: ids }) =>
      Array(ids.length).fill(advantage / ids.length),
    );
    const objective = (logprobs: Float32Array) => logprobs.reduce((sum, x, t) => sum + advantages[t] * x, 0);
    expect(objective(after.policy)).toBeGreaterThan(objective(before.policy));
  });
});

it('computes the reference while others are asked for rewards, to the same numbers', async () => {
  const options = ['grpo.beta=0.5', 'training.gradient_accumulation_steps=2'];
  const plain = await openPolicy(options);
  const { metrics: expected } = await makeStep(plain.context, plain.samples);
  const { context, samples } = await openPolicy(options);
  const reference = context.models.reference!;
  const computed = new Promise<void>((resolve) => {
    const { score } = reference;
    reference.score = (...args) => {
      resolve();
      return score.apply(reference, args);
    };
  });
  // Somebody who does not answer before that.
  const waiting = {
    asksOthers: true,
    scoreGroup: async (group: readonly RewardInput[]) => {
      await computed;
      return planted.scoreGroup(group);
    },
  } as unknown as Rewards;
  const { metrics } = await makeStep({ ...context, rewards: waiting }, samples);
  for (const name of ['loss', 'kl', 'grad_norm']) expect(metrics[name], name).toBe(expected[name]);
});

describe('an engine that records', () => {
  /** Log-probs of the policy that are off by `shift`. */
  const recorder = (local: RolloutEngine, shift: number, synced: number[] = []): RolloutEngine => ({
    ...local,
    sync: async (version, save) => {
      synced.push(version);
      const folder = await mkdtemp(join(tmpdir(), 'vau-rft-test-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      await save!(folder);
      expect(await readdir(folder)).toContain('model.safetensors');
    },
    generate: async (request) => {
      const { completions, pass } = await local.generate({ ...request, keepsPass: false });
      const recorded = completions.map((group) =>
        group.map((one) => ({ ...one, logprobs: one.logprobs.map((logprob) => logprob + shift) })),
      );
      return { completions: recorded, pass, behaviour: 'recorded' };
    },
  });

  const lossWith = async (shift: number, set: string[] = []) => {
    const { context, samples } = await openPolicy(['grpo.beta=0', ...set]);
    return makeStep({ ...context, engine: recorder(context.engine, shift) }, samples);
  };

  it('is given the weights after each update, and weighs tokens by how much likelier the policy makes them', async () => {
    const synced: number[] = [];
    const { context, samples } = await openPolicy([]);
    const recording = { ...context, engine: recorder(context.engine, -0.5, synced) };
    await makeStep(recording, samples);
    await makeStep(recording, samples, 2);
    expect(synced).toEqual([0, 1]);
    const { metrics } = await lossWith(-0.5);
    expect(metrics['sampling/importance_sampling_ratio/mean']).toBeCloseTo(Math.exp(0.5), 3);
    const { metrics: agreed } = await lossWith(0);
    expect(metrics.grad_norm! / agreed.grad_norm!).toBeCloseTo(Math.exp(0.5), 3);
  });

  it('counts for no more than the config says', async () => {
    const { metrics } = await lossWith(-0.5, ['grpo.importance_sampling_clip_max=1.25']);
    expect(metrics['sampling/importance_sampling_ratio/max']).toBe(1.25);
    // So far off that even a completion of one token is.
    const { metrics: masked } = await lossWith(-5, ['grpo.importance_sampling_mode=sequence_mask']);
    expect(masked.grad_norm).toBe(0);
  });
});

describe('completionKey', () => {
  it('gives a sample that comes again in a step other completions', async () => {
    const { context, samples } = await openPolicy([]);
    const [first, second] = samples;
    const { records } = await makeStep(context, [first!, second!, { ...first!, occurrence: 1 }]);
    const texts = Array.from({ length: 3 }, (_, b) =>
      records.slice(8 * b, 8 * (b + 1)).map(({ completion_ids }) => completion_ids),
    );
    expect(texts[2]).not.toEqual(texts[0]);
  });

  it('leaves the key of the first occurrence what it was', () => {
    const keyOf = (id: string, occurrence: number) => completionKey({ sample: { id } as Sample, occurrence });
    const keys = [keyOf('a', 0), keyOf('b', 0), keyOf('a', 1), keyOf('a', 2)];
    expect(new Set(keys).size).toBe(4);
    // FNV-1a of “a”, as runs of before have it.
    expect(keys[0]).toBe(0xe40c292c);
  });
});
