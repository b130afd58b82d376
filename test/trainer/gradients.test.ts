import { beforeAll, describe, expect, it } from 'vitest';
import { readTrainable, type TrainableAdapter } from '../../src/policy/adapter/trainable.js';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { addAdapters } from '../../src/policy/lora.js';
import { Policy, type PromptPass } from '../../src/policy/policy.js';
import { isVision } from '../../src/policy/shapes.js';
import type { Visual } from '../../src/prompt/visual.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { bytesOf, dispose, scope } from '../../src/tensor/tensor.js';
import { groupAdvantages } from '../../src/trainer/advantages.js';
import { type ImportanceMode, importanceWeights } from '../../src/trainer/importance.js';
import type { LossType } from '../../src/trainer/loss/objective.js';
import { accumulateGrpo, type Group, toMicroBatches } from '../../src/trainer/micro-batch.js';
import { accumulateSft, toSftBatch } from '../../src/trainer/sft-batch.js';
import {
  fixture,
  largestDifference,
  type RecordedPrompt,
  readJsonFixture,
  readTensorFixture,
  relativeError,
  toPrompt,
} from '../policy/reference-models.js';
import { objectiveWith } from './objective.js';

/** What scripts/fixtures/step.py computes with PyTorch, repeating each prompt for every completion. */
interface Step {
  settings: { temperature: number; beta: number; epsilon: number; epsilon_high: number; max_completion_length: number };
  prompts: RecordedPrompt[];
  completion_ids: number[][][];
  rewards: number[][];
  advantages: number[][];
}
type StepLoss = Extract<LossType, 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo'>;
interface GrpoExpected {
  policy_logprobs: number[][][];
  reference_logprobs: number[][][];
  kl: number;
  entropy: number;
  clip_ratio: { region: number };
  loss: Record<StepLoss, number>;
  grad_norm: Record<StepLoss, number>;
  old_logprobs?: number[][][];
}
interface Expected {
  grpo: GrpoExpected;
  clip: GrpoExpected;
  sft: { logprobs: number[][]; loss: number };
}

const SETUPS = {
  full: { policy: 'policy-full', reference: 'reference', trains: () => true },
  'frozen-vision': { policy: 'policy-frozen-vision', reference: 'reference', trains: (n: string) => !isVision(n) },
  lora: { policy: 'reference', reference: 'reference', trains: () => false },
  untied: { policy: 'policy-untied', reference: 'reference-untied', trains: () => true },
} as const;
type Setup = keyof typeof SETUPS;

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

async function load(setup: Setup) {
  const { policy: policyFolder, reference: referenceFolder, trains } = SETUPS[setup];
  const { config, parameters } = await loadModel({ folder: fixture(`step/${policyFolder}`), type: 'float32', trains });
  if (setup === 'lora') {
    const folder = fixture('step/adapter');
    const adapter = (await readTrainable({ folder, model: config })) as TrainableAdapter;
    addAdapters({ parameters, ...adapter });
  }
  const frozen =
    setup === 'lora'
      ? parameters.withoutAdapters()
      : (await loadModel({ folder: fixture(`step/${referenceFolder}`), type: 'float32' })).parameters;
  const step = await readJsonFixture<Step>('step/batch.json');
  const all = await readJsonFixture<Record<Setup, Expected>>('step/expected.json');
  const expected = all[setup];
  const objective = objectiveWith({ ...step.settings, loss_type: 'grpo' });
  return {
    policy: new Policy({ config, parameters, features: null }),
    reference: new Policy({ config, parameters: frozen, features: null }),
    step,
    expected,
    objective,
    dispose: () => {
      parameters.dispose();
      frozen.dispose();
    },
  };
}

const groupsOf = (step: Step): Group[] =>
  step.prompts.map((prompt, b) => ({
    prompt: toPrompt(prompt),
    completions: step.completion_ids[b]!.map((ids) => Int32Array.from(ids)),
    advantages: step.advantages[b]!,
  }));

/** Compares every gradient with the recorded one of the same name. */
async function expectGradients(policy: Policy, file: string) {
  const expected = await readTensorFixture(`${file}.safetensors`);
  const ours = (name: string) =>
    name.replace(/^base_model\.model\./, '').replace(/^model\.language_model\.layers/, 'model.layers');
  const names = [...expected.keys()].map(ours);
  expect(new Set(policy.parameters.gradients.keys())).toEqual(new Set(names));
  for (const [name, { data }] of expected) {
    const found = downloadFloats(policy.parameters.gradients.get(ours(name))!);
    expect(relativeError(found, data), name).toBeLessThan(1e-4);
  }
}

function gradientNorm({ parameters }: Policy): number {
  let squares = 0;
  for (const gradient of parameters.gradients.values())
    for (const x of scope(() => downloadFloats(gradient))) squares += x * x;
  return Math.sqrt(squares);
}

/** `keepsPass`: the prompts are encoded first, as rollout does, and the update starts from there. */
function run(
  args: Awaited<ReturnType<typeof load>>,
  groups: Group[][],
  kind: 'grpo' | 'clip',
  lossType: StepLoss,
  keepsPass = false,
) {
  const { policy, reference, expected, step } = args;
  const objective = { ...args.objective, loss_type: lossType };
  const old = expected[kind].old_logprobs;
  let first = 0;
  const parts = toMicroBatches(groups, objective).map((microBatch, i) => {
    const { temperature } = step.settings;
    const referenceLogprobs = reference.score({ batch: microBatch.batch, temperature }).logprobs;
    const prompts = groups[i]!.length;
    const oldLogprobs = old && Float32Array.from(old.slice(first, first + prompts).flat(2));
    first += prompts;
    const pass = keepsPass ? passOver(policy, groups[i]!) : undefined;
    return {
      referenceLogprobs,
      ...accumulateGrpo({ policy, microBatch: { ...microBatch, referenceLogprobs, oldLogprobs }, objective, pass }),
    };
  });
  const sum = (pick: (part: (typeof parts)[number]) => number) => parts.reduce((total, part) => total + pick(part), 0);
  return { parts, sum };
}

function passOver(policy: Policy, groups: Group[]): PromptPass {
  const batch = toBatch({ prompts: groups.map(({ prompt }) => prompt) });
  const { cache, logits, pass } = policy.encodePrompts({ batch, keepsPass: true });
  dispose(cache, logits);
  return pass!;
}

describe.each(Object.keys(SETUPS) as Setup[])('%s', (setup) => {
  it.each(['grpo', 'clip'] as const)(
    '%s: log-probs, KL, loss and every gradient are those of the repeated prompt',
    async (kind) => {
      const loaded = await load(setup);
      const { policy, step, expected, dispose } = loaded;
      const { parts, sum } = run(loaded, [groupsOf(step)], kind, 'grpo');
      const tokens = sum((part) => part.tokens);
      expect(largestDifference(parts[0]!.logprobs, expected.grpo.policy_logprobs.flat(2))).toBeLessThan(1e-5);
      expect(largestDifference(parts[0]!.referenceLogprobs, expected.grpo.reference_logprobs.flat(2))).toBeLessThan(
        1e-5,
      );
      expect(sum((part) => part.kl) / tokens).toBeCloseTo(expected[kind].kl, 5);
      expect(sum((part) => part.entropy) / tokens).toBeCloseTo(expected[kind].entropy, 5);
      expect(sum((part) => part.clipped) / tokens).toBeCloseTo(expected[kind].clip_ratio.region, 6);
      expect(sum((part) => part.loss)).toBeCloseTo(expected[kind].loss.grpo, 5);
      await expectGradients(policy, `step/gradients/${setup}-${kind}`);
      policy.parameters.clearGradients();
      dispose();
      expect(activeBackend().liveTensors()).toBe(0);
    },
  );

  it.each([undefined, 'no room for the completions'])(
    'the same after a kept pass over the prompts (%s)',
    async (room) => {
      const loaded = await load(setup);
      const { config, parameters } = loaded.policy;
      const kept = passOver(loaded.policy, groupsOf(loaded.step));
      const activationBytes =
        room === undefined ? undefined : bytesOf([kept.layers.map(({ saved }) => saved), kept.vision]);
      dispose(kept);
      const policy = new Policy({ config, parameters, features: null, activationBytes });
      const live = activeBackend().liveTensors();
      const { parts } = run({ ...loaded, policy }, [groupsOf(loaded.step)], 'grpo', 'grpo', true);
      expect(largestDifference(parts[0]!.logprobs, loaded.expected.grpo.policy_logprobs.flat(2))).toBeLessThan(1e-5);
      await expectGradients(policy, `step/gradients/${setup}-grpo`);
      policy.parameters.clearGradients();
      expect(activeBackend().liveTensors()).toBe(live);
      loaded.dispose();
    },
  );

  it('the same in micro-batches, and with every layer computed again', async () => {
    const loaded = await load(setup);
    const policy = new Policy({
      config: loaded.policy.config,
      parameters: loaded.policy.parameters,
      features: null,
      activationBytes: 0,
    });
    run(
      { ...loaded, policy },
      groupsOf(loaded.step).map((group) => [group]),
      'grpo',
      'grpo',
    );
    await expectGradients(policy, `step/gradients/${setup}-grpo`);
    loaded.dispose();
  });

  it.each(['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const)(
    'loss_type %s has the loss and the gradient norm of PyTorch',
    async (lossType) => {
      const loaded = await load(setup);
      const { policy, step, expected, dispose } = loaded;
      const { sum } = run(
        loaded,
        groupsOf(step).map((group) => [group]),
        'grpo',
        lossType,
      );
      expect(sum((part) => part.loss)).toBeCloseTo(expected.grpo.loss[lossType], 5);
      expect(gradientNorm(policy) / expected.grpo.grad_norm[lossType]).toBeCloseTo(1, 4);
      dispose();
    },
  );

  it('sft: loss and every gradient', async () => {
    const { policy, step, expected, dispose } = await load(setup);
    const demonstrations = groupsOf(step).map(({ prompt, completions }) => ({ prompt, completion: completions[2]! }));
    const batch = toSftBatch(demonstrations);
    const { loss, logprobs } = accumulateSft({ policy, batch, weight: 1 / batch.layout.targets.length });
    expect(largestDifference(logprobs, expected.sft.logprobs.flat())).toBeLessThan(1e-5);
    expect(loss).toBeCloseTo(expected.sft.loss, 5);
    await expectGradients(policy, `step/gradients/${setup}-sft`);
    dispose();
  });
});

/** What scripts/fixtures/behaviour.py computes with PyTorch: another sampler recorded the log-probs. */
interface BehaviourExpected {
  clip_max: number;
  old_logprobs: number[][][];
  behaviour_logprobs: number[][][];
  modes: Record<ImportanceMode, { loss: number; grad_norm: number }>;
}

it.each(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'] as const)(
  'recorded log-probs, %s: loss and gradient are those of PyTorch',
  async (mode) => {
    const { policy, reference, step, objective, dispose } = await load('full');
    const expected = await readJsonFixture<BehaviourExpected>('behaviour/expected.json');
    const [microBatch] = toMicroBatches([groupsOf(step)], objective);
    const { batch } = microBatch!;
    const oldLogprobs = Float32Array.from(expected.old_logprobs.flat(2));
    const importance = importanceWeights({
      oldLogprobs,
      behaviourLogprobs: Float32Array.from(expected.behaviour_logprobs.flat(2)),
      offsets: batch.layout.offsets,
      mode,
      clipMax: expected.clip_max,
    });
    const referenceLogprobs = reference.score({ batch, temperature: objective.temperature }).logprobs;
    const corrected = { ...microBatch!, oldLogprobs, referenceLogprobs, importance };
    const { loss } = accumulateGrpo({ policy, microBatch: corrected, objective });
    expect(loss).toBeCloseTo(expected.modes[mode].loss, 5);
    expect(gradientNorm(policy) / expected.modes[mode].grad_norm).toBeCloseTo(1, 4);
    if (mode === 'token_truncate') await expectGradients(policy, 'behaviour/token_truncate');
    dispose();
  },
);

/** What scripts/fixtures/unscored.py computes with PyTorch: some completions could not be judged. */
interface UnscoredExpected {
  failed: number[][];
  advantages: Record<Scale, (number | null)[][]>;
  /** By `<scale_rewards> <loss_type>`. */
  cases: Record<string, { loss: number; grad_norm: number }>;
  kl: number;
  entropy: number;
}
type Scale = 'group' | 'batch' | 'none';

describe.each(['group', 'batch', 'none'] as const)('completions that nobody could judge, scale_rewards %s', (scale) => {
  it.each(['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const)(
    'loss_type %s: loss and gradient are those of the others alone',
    async (lossType) => {
      const loaded = await load('full');
      const { policy, step, dispose } = loaded;
      const expected = await readJsonFixture<UnscoredExpected>('unscored/expected.json');
      const rewards = step.rewards.map((group, b) =>
        group.map((reward, g) => (expected.failed[b]!.includes(g) ? null : reward)),
      );
      const advantages = groupAdvantages({ rewards, scale });
      for (const [i, wanted] of expected.advantages[scale].flat().entries()) {
        if (wanted === null) expect(advantages.flat()[i]).toBeNull();
        else expect(advantages.flat()[i]).toBeCloseTo(wanted, 10);
      }
      const groups = groupsOf(step).map((group, b) => ({ ...group, advantages: advantages[b]! }));
      const { sum } = run(
        loaded,
        groups.map((group) => [group]),
        'grpo',
        lossType,
      );
      const { loss, grad_norm } = expected.cases[`${scale} ${lossType}`]!;
      const tokens = sum((part) => part.tokens);
      expect(sum((part) => part.loss)).toBeCloseTo(loss, 5);
      expect(sum((part) => part.kl) / tokens).toBeCloseTo(expected.kl, 5);
      expect(sum((part) => part.entropy) / tokens).toBeCloseTo(expected.entropy, 5);
      expect(gradientNorm(policy) / grad_norm).toBeCloseTo(1, 4);
      if (scale === 'batch' && lossType === 'bnpo') await expectGradients(policy, 'unscored/batch-bnpo');
      dispose();
    },
  );
});

describe('controls: mistakes that the loss hardly shows', () => {
  const gradientsOf = (policy: Policy) => {
    const all = [...policy.parameters.gradients].sort(([a], [b]) => (a < b ? -1 : 1));
    const values = all.flatMap(([, gradient]) => [...downloadFloats(gradient)]);
    policy.parameters.clearGradients();
    return values;
  };

  it('completion positions off by one, and another video, change the gradient', async () => {
    const loaded = await load('full');
    const groups = groupsOf(loaded.step);
    const gradient = (changed: Group[]) => {
      run(loaded, [changed], 'grpo', 'grpo');
      return gradientsOf(loaded.policy);
    };
    const right = gradient(groups);
    const shifted = groups.map((g) => ({ ...g, prompt: { ...g.prompt, nextPosition: g.prompt.nextPosition + 1 } }));
    expect(relativeError(gradient(shifted), right)).toBeGreaterThan(1e-3);
    const upsideDown = (visual: Visual) => ({ ...visual, patches: visual.patches.toReversed() });
    const another = groups.map((g) => ({ ...g, prompt: { ...g.prompt, visuals: g.prompt.visuals.map(upsideDown) } }));
    expect(relativeError(gradient(another), right)).toBeGreaterThan(0.1);
    loaded.dispose();
  });
});

it('advantages are those that PyTorch computes', async () => {
  const { rewards, advantages } = await readJsonFixture<Step>('step/batch.json');
  const found = groupAdvantages({ rewards, scale: 'group' });
  expect(largestDifference(found.flat() as number[], advantages.flat())).toBeLessThan(1e-5);
});
