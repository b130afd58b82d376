import { execFile, execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LoraSettings, planAdapter } from '../../src/policy/adapter/plan.js';
import { planDifference, readTrainable, type TrainableAdapter } from '../../src/policy/adapter/trainable.js';
import { toBatch } from '../../src/policy/batch.js';
import { loadModel } from '../../src/policy/load.js';
import { addAdapters } from '../../src/policy/lora.js';
import { Policy } from '../../src/policy/policy.js';
import { copyModelFiles, saveAdapter, saveModel } from '../../src/policy/save.js';
import { isVision } from '../../src/policy/shapes.js';
import { uniform } from '../../src/system/random.js';
import { activeBackend } from '../../src/tensor/active.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { AdamW } from '../../src/trainer/optimizer.js';
import { folderWith } from '../folder.js';
import { nextLogits } from './next-logits.js';
import {
  fixture,
  largestDifference,
  type ModelCase,
  readJsonFixture,
  standardDeviation,
  toPrompt,
} from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const python = process.env.VAU_RFT_PYTHON;
/** Starting Python with torch takes a while. */
const PATIENCE = { timeout: 180_000 };

const casesOf = async (model: string) => (await readJsonFixture<{ cases: ModelCase[] }>(`${model}/case.json`)).cases;

const batchOf = (recorded: ModelCase) =>
  toBatch({ prompts: [toPrompt(recorded)], completions: [[Int32Array.from(recorded.completion_ids)]] });

const scoresOf = (policy: Policy, cases: ModelCase[]): number[] =>
  cases.flatMap((recorded) => [...policy.score({ batch: batchOf(recorded), temperature: 1 }).logprobs]);

/** What transformers and peft make of a folder, beside what the policy that wrote it makes of itself. */
async function compareWithPython(args: { policy: Policy; cases: ModelCase[]; script: string; arguments: string[] }) {
  const { policy, cases } = args;
  const script = fileURLToPath(new URL(`../../scripts/fixtures/${args.script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(python!, [script, ...args.arguments], { maxBuffer: 2 ** 28 });
  const theirs = (JSON.parse(stdout) as { cases: { logprobs: number[]; logits: number[][] }[] }).cases;
  expect(theirs).toHaveLength(cases.length);
  expect(
    largestDifference(
      scoresOf(policy, cases),
      theirs.flatMap(({ logprobs }) => logprobs),
    ),
  ).toBeLessThan(2e-5);
  for (const [i, recorded] of cases.entries())
    for (const count of [0, recorded.completion_ids.length - 1]) {
      const wanted = theirs[i]!.logits[count]!;
      const found = nextLogits({ policy, recorded, count });
      expect(found).toHaveLength(wanted.length);
      expect(largestDifference(found, wanted) / standardDeviation(wanted)).toBeLessThan(1e-4);
    }
}

/** Those of the model before anything was trained. */
const recordedScores = (cases: ModelCase[]): number[] => cases.flatMap(({ logprobs }) => logprobs['1']!);

/** A model of each family, and what is trained beside it. */
const ADAPTERS: { model: string; freezesVision: boolean; lora: LoraSettings; trained: number }[] = [
  {
    model: 'models/grouped-tied',
    freezesVision: true,
    lora: { r: 5, lora_alpha: 10, target_modules: ['q_proj', 'k_proj', 'o_proj', 'up_proj'] },
    trained: 16,
  },
  {
    model: 'families/qwen2_5_vl/narrow-windows',
    freezesVision: false,
    lora: {
      ...{ r: 3, lora_alpha: 6, rank_pattern: { down_proj: 2 }, alpha_pattern: { 'attn.qkv': 9 } },
      ...{ target_modules: 'all-linear', exclude_modules: ['merger.mlp.0', 'merger.mlp.2', 'lm_head'] },
      modules_to_save: ['merger', 'language_model.norm'],
    },
    trained: 2 * (2 * 7 + 3 * 5) + 5 + 1,
  },
  {
    model: 'families/qwen3_vl/wide-heads-bf16',
    freezesVision: false,
    lora: {
      ...{
        r: 4,
        lora_alpha: 4,
        use_rslora: true,
        target_modules: ['q_proj', 'qkv', 'patch_embed.proj', 'merger.linear_fc1'],
      },
      modules_to_save: ['deepstack_merger_list.1', 'pos_embed', 'lm_head', 'q_norm'],
    },
    trained: 2 * (4 + 4 + 1 + 1) + 6 + 1 + 1 + 4,
  },
];

/** A model with an adapter that moves it. */
async function adaptedPolicy({ model, lora, freezesVision }: (typeof ADAPTERS)[number]): Promise<Policy> {
  const { config, parameters } = await loadModel({ folder: fixture(model), type: 'float32' });
  const values = (name: string, shape: readonly number[]) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => 0.4 * (uniform(name.length, i) - 0.5));
  addAdapters({ parameters, plan: planAdapter({ model: config, lora, freezesVision }), values });
  return new Policy({ config, parameters, features: null });
}

describe.each(ADAPTERS)('saveAdapter: $model', (adapted) => {
  const { model, lora, freezesVision } = adapted;
  const saved = async (): Promise<{ policy: Policy; folder: string }> => {
    const policy = await adaptedPolicy(adapted);
    const folder = await folderWith();
    await saveAdapter({ policy, lora, freezesVision, baseModel: fixture(model), folder });
    return { policy, folder };
  };

  it('writes what readTrainable reads, bit by bit', async () => {
    const { policy, folder } = await saved();
    const { parameters, config } = policy;
    const adapter = (await readTrainable({ folder, model: config })) as TrainableAdapter;
    const wanted = planAdapter({ model: config, lora, freezesVision });
    expect(planDifference(adapter.plan, wanted)).toBeUndefined();
    expect(adapter.plan).toEqual(wanted);
    expect(parameters.trainableNames).toHaveLength(adapted.trained);
    for (const name of parameters.trainableNames) {
      const found = adapter.values(name, parameters.variable(name).shape);
      expect(found, name).toEqual(scope(() => downloadFloats(parameters.master(name))));
    }
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it.skipIf(python === undefined)('loads in peft with the same log-probs', PATIENCE, async () => {
    const { policy, folder } = await saved();
    const cases = await casesOf(model);
    expect(largestDifference(scoresOf(policy, cases), recordedScores(cases))).toBeGreaterThan(0.05);
    await compareWithPython({
      policy,
      cases,
      script: 'check_adapter.py',
      arguments: [fixture(model), folder, `${fixture(model)}/case.json`],
    });
    policy.parameters.dispose();
  });
});

/** One AdamW step of supervised training moves every trained weight. */
function moveWeights(policy: Policy, recorded: ModelCase): void {
  const { parameters } = policy;
  const options = {
    adam_beta1: 0.9,
    adam_beta2: 0.99,
    adam_epsilon: 1e-8,
    weight_decay: 0,
    decay_norms_and_biases: false,
    max_grad_norm: 1,
  };
  const optimizer = new AdamW({ parameters, options });
  policy.scoreBackward({
    batch: batchOf(recorded),
    temperature: 1,
    gradient: (_, { logprobs }) => logprobs.map(() => -1),
  });
  optimizer.apply(1e-2);
  optimizer.dispose();
}

describe.each([
  { model: 'models/grouped-tied', trains: () => true },
  { model: 'models/flat-sharded', trains: () => true },
  { model: 'models/long-video-f16', trains: (name: string) => !isVision(name) },
  { model: 'families/qwen2_5_vl/odd-heads-bf16', trains: () => true },
  { model: 'families/qwen3_vl/wide-heads-bf16', trains: () => true },
])('saveModel: $model', ({ model, trains }) => {
  const trained = async () => {
    const from = fixture(model);
    const policy = new Policy({ ...(await loadModel({ folder: from, type: 'float32', trains })), features: null });
    const cases = await casesOf(model);
    moveWeights(policy, cases.find(({ visuals }) => visuals.length > 0)!);
    const folder = await folderWith();
    await saveModel({ policy, from, folder });
    return { policy, cases, folder };
  };

  it('writes a folder that loads again with the same log-probs', async () => {
    const { policy, cases, folder } = await trained();
    const found = scoresOf(policy, cases);
    const again = new Policy({ ...(await loadModel({ folder, type: 'float32' })), features: null });
    expect(scoresOf(again, cases)).toEqual(found);
    expect(largestDifference(found, recordedScores(cases))).toBeGreaterThan(0.05);
    expect(await readdir(folder)).toEqual(
      expect.arrayContaining(['config.json', 'generation_config.json', 'model.safetensors']),
    );
    expect((await readdir(folder)).filter((name) => /index|-of-/.test(name))).toEqual([]);
    for (const { parameters } of [policy, again]) parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it.skipIf(python === undefined)('loads in transformers with the same log-probs', PATIENCE, async () => {
    const { policy, cases, folder } = await trained();
    const file = path.join(folder, 'cases.json');
    await writeFile(file, JSON.stringify({ cases }));
    await compareWithPython({ policy, cases, script: 'check_model.py', arguments: [folder, file] });
    policy.parameters.dispose();
  });
});

describe('copyModelFiles', () => {
  it("takes the hub cache's links for the files that they lead to", async () => {
    const blobs = await folderWith({ abc: '{"model_type": "qwen2_vl"}' });
    const [from, folder] = [await folderWith(), await folderWith()];
    await symlink(path.join(blobs, 'abc'), path.join(from, 'config.json'));
    await copyModelFiles({ from, folder });
    expect((await lstat(path.join(folder, 'config.json'))).isFile()).toBe(true);
  });

  it('leaves alone what is no file, the weights, and what a checkpoint has of its own', async () => {
    const kept = ['chat_template.jinja', 'config.json', 'merges.txt'];
    const others = ['manifest.json', 'state.json', 'adapter_config.json', 'model.safetensors.index.json', 'a.bin'];
    const from = await folderWith(Object.fromEntries([...kept, ...others].map((name) => [name, '{}'])));
    await mkdir(path.join(from, 'folder.json'));
    await symlink('nowhere', path.join(from, 'link.json'));
    execFileSync('mkfifo', [path.join(from, 'pipe.json')]);
    const folder = await folderWith();
    await copyModelFiles({ from, folder });
    expect(await readdir(folder)).toEqual(kept);
  });
});
