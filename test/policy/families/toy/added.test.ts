import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openSafetensors, toFloat32, writeSafetensors } from '../../../../src/model-folder/safetensors.js';
import { toBatch } from '../../../../src/policy/batch.js';
import { weightShapes } from '../../../../src/policy/families/named.js';
import { readModelConfig } from '../../../../src/policy/families/read-config.js';
import { loadModel } from '../../../../src/policy/load.js';
import { Policy, type PromptPass } from '../../../../src/policy/policy.js';
import { FeatureCache } from '../../../../src/policy/vision/feature-cache.js';
import { GREEDY } from '../../../../src/rollout/completion.js';
import { generate } from '../../../../src/rollout/generate.js';
import { uniform } from '../../../../src/system/random.js';
import { activeBackend } from '../../../../src/tensor/active.js';
import { downloadFloats } from '../../../../src/tensor/ops.js';
import { startRuntime } from '../../../../src/tensor/runtime.js';
import { dispose } from '../../../../src/tensor/tensor.js';
import { accumulateGrpo, toMicroBatches } from '../../../../src/trainer/micro-batch.js';
import { folderWith } from '../../../folder.js';
import { tinyProject } from '../../../tiny-project.js';
import { objectiveWith } from '../../../trainer/objective.js';
import { readLines, trainHere } from '../../../trainer/train-here.js';
import {
  fixture,
  largestDifference,
  type RecordedPrompt,
  readJsonFixture,
  readTensorFixture,
  relativeError,
  toPrompt,
  withKey,
} from '../../reference-models.js';

/** The line that a new family is added by. */
vi.mock('../../../../src/policy/families/index.js', async (original) => {
  const { FAMILIES } = await original<typeof import('../../../../src/policy/families/index.js')>();
  const { toyVL } = await import('./family.js');
  return { FAMILIES: [...FAMILIES, toyVL] };
});

/** What scripts/fixtures/toy_family.py computes with PyTorch. */
interface Step {
  settings: { temperature: number; beta: number; epsilon: number; epsilon_high: number; max_completion_length: number };
  prompts: RecordedPrompt[];
  completion_ids: number[][][];
  advantages: number[][];
}
interface Expected {
  policy_logprobs: number[][][];
  reference_logprobs: number[][][];
  kl: number;
  loss: { grpo: number };
}

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

async function load(args: { activationBytes?: number; trains?: () => boolean; features?: FeatureCache } = {}) {
  const { activationBytes, trains = () => true, features = null } = args;
  const step = await readJsonFixture<Step>('toy-family/batch.json');
  const expected = await readJsonFixture<Expected>('toy-family/expected.json');
  const model = await loadModel({ folder: fixture('toy-family/policy'), type: 'float32', trains });
  const groups = step.prompts.map((prompt, b) => ({
    prompt: toPrompt(prompt),
    completions: step.completion_ids[b]!.map((ids) => Int32Array.from(ids)),
    advantages: step.advantages[b]!,
  }));
  const policy = new Policy({ ...model, features, activationBytes });
  return { policy, groups, step, expected };
}

type Loaded = Awaited<ReturnType<typeof load>>;

function passOver({ policy, groups }: Loaded): PromptPass {
  const batch = toBatch({ prompts: groups.map(({ prompt }) => prompt) });
  const { cache, logits, pass } = policy.encodePrompts({ batch, keepsPass: true });
  dispose(cache, logits);
  return pass!;
}

describe('a family that a test adds', () => {
  it.each([
    ['in one go', {}, false],
    ['with every layer computed again', { activationBytes: 0 }, false],
    ['after a kept pass over the prompts', {}, true],
  ])('has the log-probs and every gradient of PyTorch, %s', async (_, options, keepsPass) => {
    const loaded = await load(options);
    const { policy, groups, step, expected } = loaded;
    const pass = keepsPass ? passOver(loaded) : undefined;
    const objective = objectiveWith({ ...step.settings, loss_type: 'grpo' });
    const [microBatch] = toMicroBatches([groups], objective);
    microBatch!.referenceLogprobs = Float32Array.from(expected.reference_logprobs.flat(2));
    const { loss, kl, tokens, logprobs } = accumulateGrpo({ policy, microBatch: microBatch!, objective, pass });
    expect(largestDifference(logprobs, expected.policy_logprobs.flat(2))).toBeLessThan(2e-5);
    expect(loss).toBeCloseTo(expected.loss.grpo, 5);
    expect(kl / tokens).toBeCloseTo(expected.kl, 5);
    const gradients = await readTensorFixture('toy-family/gradients.safetensors');
    expect(new Set(policy.parameters.gradients.keys())).toEqual(new Set(gradients.keys()));
    for (const [name, { data }] of gradients)
      expect(relativeError(downloadFloats(policy.parameters.gradients.get(name)!), data), name).toBeLessThan(1e-4);
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('scores with a frozen tower, whose features are kept, and decodes what it scores', async () => {
    const features = new FeatureCache({ capacity: 2 ** 20 });
    const { policy, groups, expected } = await load({ trains: () => false, features });
    const prompts = groups.map(({ prompt }, i) => withKey(prompt, String(i)));
    const batch = toBatch({ prompts, completions: groups.map(({ completions }) => completions) });
    for (let again = 0; again < 2; again++) {
      const { logprobs } = policy.score({ batch, temperature: 0.9 });
      expect(largestDifference(logprobs, expected.policy_logprobs.flat(2))).toBeLessThan(2e-5);
    }
    const { completions } = generate({
      policy,
      prompts,
      numGenerations: 2,
      sampling: { ...GREEDY, temperature: 1, max_completion_length: 12, min_completion_length: 12 },
      endTokenIds: [],
      uniform: (prompt, generation, token) => uniform(3, prompt, generation, token),
    });
    const drawn = toBatch({ prompts, completions: completions.map((group) => group.map(({ tokenIds }) => tokenIds)) });
    const sampled = completions.flat().flatMap(({ logprobs }) => [...logprobs]);
    expect(largestDifference(policy.score({ batch: drawn, temperature: 1 }).logprobs, sampled)).toBeLessThan(2e-5);
    features.dispose();
    policy.parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('is trained by a run, saved, and resumed', async () => {
    const project = await tinyProject({ train: 2, test: 1 });
    const model = await toyModel(project.model);
    const set = ['method=grpo', `model.path=${model}`, 'model.freeze_vision=false', 'grpo.beta=0.01'];
    const options = (steps: number) => [...set, `training.max_steps=${steps}`, 'training.save_steps=1'];
    const first = await trainHere({ project, name: 'toy', set: options(1) });
    expect(await first.end).toBe('done');
    const second = await trainHere({ project, name: 'toy', set: options(2), resume: true, acceptChanges: true });
    expect(await second.end).toBe('done');
    expect((await readLines(second.files.metrics)).map(({ step }) => step)).toEqual([1, 2]);
    const saved = (await readdir(second.files.checkpoints)).at(-1)!;
    const config = JSON.parse(await readFile(join(second.files.checkpoints, saved, 'config.json'), 'utf8'));
    expect(config.model_type).toBe('toy_vl');
  });
});

/** A model of Qwen2-VL with the weights that the toy has more. */
async function toyModel(from: string): Promise<string> {
  const folder = join(await folderWith(), 'model');
  await cp(from, folder, { recursive: true });
  const file = join(folder, 'config.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"qwen2_vl"', '"toy_vl"'));
  const config = await readModelConfig(folder);
  const weights = await openSafetensors(join(from, 'model.safetensors'));
  const tensors = [];
  for (const [name, shape] of weightShapes(config)) {
    const size = shape.reduce((n, d) => n * d, 1);
    const more = name.endsWith('_norm.weight')
      ? new Float32Array(size).fill(1)
      : new Float32Array(size).map((_, i) => ((i % 7) - 3) / 50);
    const values = weights.entries.has(name) ? toFloat32(await weights.readTensor(name)) : more;
    tensors.push({ name, shape, read: () => values });
  }
  await weights.close();
  await writeSafetensors({ file: join(folder, 'model.safetensors'), tensors });
  return folder;
}
