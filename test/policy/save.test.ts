import { execFile, execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../src/policy/adapter/plan.js';
import { readTrainable, type TrainableAdapter } from '../../src/policy/adapter/trainable.js';
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

const casesOf = async (model: string) =>
  (await readJsonFixture<{ cases: ModelCase[] }>(`models/${model}/case.json`)).cases;

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

const lora = { r: 5, lora_alpha: 10, target_modules: ['q_proj', 'k_proj', 'o_proj', 'up_proj'] };

/** grouped-tied with an adapter that moves it. */
async function adaptedPolicy(): Promise<Policy> {
  const { config, parameters } = await loadModel({ folder: fixture('models/grouped-tied'), type: 'float32' });
  const values = (name: string, [rows, columns]: readonly number[]) =>
    Float32Array.from({ length: rows! * columns! }, (_, i) => 0.4 * (uniform(name.length, i) - 0.5));
  addAdapters({ parameters, plan: planAdapter({ model: config, lora, freezesVision: true }), values });
  return new Policy({ config, parameters, features: null });
}

describe('saveAdapter', () => {
  it('writes what readTrainable reads, bit by bit', async () => {
    const policy = await adaptedPolicy();
    const folder = await folderWith();
    await saveAdapter({ policy, lora, freezesVision: true, baseModel: 'models/base', folder });
    const { parameters, config } = policy;
    const adapter = (await readTrainable({ folder, model: config })) as TrainableAdapter;
    expect(adapter.plan).toEqual(planAdapter({ model: config, lora, freezesVision: true }));
    expect(parameters.trainableNames).toHaveLength(16);
    for (const name of parameters.trainableNames) {
      const { shape } = parameters.variable(name);
      const found = adapter.values(name, [shape[0]!, shape[1]!]);
      expect(found, name).toEqual(scope(() => downloadFloats(parameters.master(name))));
    }
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it.skipIf(python === undefined)('loads in peft with the same log-probs', PATIENCE, async () => {
    const policy = await adaptedPolicy();
    const folder = await folderWith();
    const model = fixture('models/grouped-tied');
    await saveAdapter({ policy, lora, freezesVision: true, baseModel: model, folder });
    const cases = await casesOf('grouped-tied');
    expect(largestDifference(scoresOf(policy, cases), recordedScores(cases))).toBeGreaterThan(0.05);
    await compareWithPython({
      policy,
      cases,
      script: 'check_adapter.py',
      arguments: [model, folder, `${model}/case.json`],
    });
    policy.parameters.dispose();
  });
});

/** One AdamW step of supervised training moves every trained weight. */
function moveWeights(policy: Policy, recorded: ModelCase): void {
  const { parameters } = policy;
  const options = { adam_beta1: 0.9, adam_beta2: 0.99, adam_epsilon: 1e-8, weight_decay: 0, max_grad_norm: 1 };
  const optimizer = new AdamW({ parameters, options });
  policy.scoreBackward({ batch: batchOf(recorded), temperature: 1, gradient: (_, logprobs) => logprobs.map(() => -1) });
  optimizer.apply(1e-2);
  optimizer.dispose();
}

describe.each([
  { model: 'grouped-tied', trains: () => true },
  { model: 'flat-sharded', trains: () => true },
  { model: 'long-video-f16', trains: (name: string) => !isVision(name) },
])('saveModel: $model', ({ model, trains }) => {
  const trained = async () => {
    const from = fixture(`models/${model}`);
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
