import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toBatch } from '../../../src/policy/batch.js';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  adapterConfigText,
  peftTensors,
  readAdapter,
  storedFactors,
} from '../../../src/policy/files/adapter.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../../../src/policy/files/safetensors.js';
import { loadModel } from '../../../src/policy/load.js';
import { addAdapters } from '../../../src/policy/lora.js';
import { Policy } from '../../../src/policy/policy.js';
import { activeBackend, startRuntime } from '../../../src/tensor/runtime.js';
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

const PEFT = fixture('adapter');

/** Copies peft's adapter with other tensor names, shapes or settings. */
async function changedAdapter(args: { rename?: (name: string) => string; config?: object }): Promise<string> {
  const { rename = (name) => name, config } = args;
  const folder = await folderWith();
  const file = await openSafetensors(path.join(PEFT, ADAPTER_WEIGHTS));
  const tensors = await Promise.all(
    [...file.entries].map(async ([name, { shape }]) => {
      const values = toFloat32(await file.readTensor(name));
      return { name: rename(name), shape, dtype: 'F32' as const, read: () => values };
    }),
  );
  await writeSafetensors({ file: path.join(folder, ADAPTER_WEIGHTS), tensors });
  await file.close();
  if (config === undefined) await copyFile(path.join(PEFT, ADAPTER_CONFIG), path.join(folder, ADAPTER_CONFIG));
  else {
    const text = await readFile(path.join(PEFT, ADAPTER_CONFIG), 'utf8');
    await writeFile(path.join(folder, ADAPTER_CONFIG), JSON.stringify({ ...JSON.parse(text), ...config }));
  }
  return folder;
}

describe('an adapter that peft wrote', () => {
  it('gives the log-probs and logits that it gives in peft', async () => {
    const adapter = await readAdapter(PEFT);
    expect(adapter.lora).toEqual({
      r: 3,
      lora_alpha: 12,
      target_modules: ['down_proj', 'gate_proj', 'q_proj', 'v_proj'],
    });
    const { config, parameters } = await loadModel({ folder: fixture('models/grouped-tied'), type: 'float32' });
    addAdapters({ parameters, config, lora: adapter.lora, values: storedFactors({ adapter, folder: PEFT }) });
    const policy = new Policy({ config, parameters, features: null });
    const { cases } = await readJsonFixture<{ cases: ModelCase[] }>('models/grouped-tied/case.json');
    const expected = await readJsonFixture<{ cases: { logprobs: number[] }[] }>('adapter/case.json');
    const logits = await readTensorFixture('adapter/case.safetensors');
    for (const [i, recorded] of cases.entries()) {
      const batch = toBatch({
        prompts: [toPrompt(recorded)],
        completions: [[Int32Array.from(recorded.completion_ids)]],
      });
      const { logprobs } = policy.score({ batch, temperature: 1 });
      expect(largestDifference(logprobs, expected.cases[i]!.logprobs)).toBeLessThan(2e-5);
      const { shape, data } = logits.get(`${i}.completion_logits`)!;
      const [C, V] = shape as [number, number];
      for (const count of [0, C - 1]) {
        const found = nextLogits({ policy, recorded, count });
        const wanted = data.slice(count * V, (count + 1) * V);
        expect(largestDifference(found, wanted) / standardDeviation(wanted)).toBeLessThan(1e-4);
      }
      // The control: without the adapter they are far away.
      const base = new Policy({ config, parameters: parameters.withoutAdapters(), features: null });
      expect(
        largestDifference(base.score({ batch, temperature: 1 }).logprobs, expected.cases[i]!.logprobs),
      ).toBeGreaterThan(0.05);
    }
    parameters.dispose();
    expect(activeBackend().liveTensors()).toBe(0);
  });

  it('is read under the names of older transformers too', async () => {
    const folder = await changedAdapter({ rename: (name) => name.replace('.language_model.', '.') });
    const [older, newer] = [await readAdapter(folder), await readAdapter(PEFT)];
    expect(older.factors.size).toBe(16);
    expect(older.factors).toEqual(newer.factors);
    expect([...older.factors.keys()]).toContain('model.layers.1.mlp.down_proj.lora_B.weight');
  });
});

describe('what is refused', () => {
  it.each([
    [{ use_rslora: true }, 'use_rslora'],
    [{ use_dora: true }, 'use_dora'],
    [{ rank_pattern: { q_proj: 8 } }, 'rank_pattern'],
    [{ alpha_pattern: { q_proj: 8 } }, 'alpha_pattern'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save'],
    [{ target_modules: '.*_proj' }, 'target_modules as a pattern'],
  ])('%j', async (config, name) => {
    const folder = await changedAdapter({ config });
    await expect(readAdapter(folder)).rejects.toMatchObject({
      code: 'ADAPTER_UNSUPPORTED',
      message: expect.stringContaining(name),
    });
  });

  it('a kind of adapter that is not LoRA', async () => {
    const folder = await changedAdapter({ config: { peft_type: 'IA3' } });
    await expect(readAdapter(folder)).rejects.toThrow('peft_type');
  });

  it('a factor that is missing, or has another shape than the model needs', async () => {
    const adapter = await readAdapter(PEFT);
    const values = storedFactors({ adapter, folder: 'runs/a' });
    const name = 'model.layers.0.self_attn.q_proj.lora_A.weight';
    expect(values(name, [3, 64])).toHaveLength(192);
    expect(() => values(name, [4, 64])).toThrow(/runs\/a.*q_proj\.lora_A\.weight is \[3,64\].*\[4,64\]/);
    expect(() => values(name.replace('q_proj', 'o_proj'), [3, 64])).toThrow(/runs\/a has no tensor.*o_proj/);
  });
});

it('what is written has the names and settings of peft', async () => {
  const theirs = JSON.parse(await readFile(path.join(PEFT, ADAPTER_CONFIG), 'utf8')) as Record<string, unknown>;
  const lora = { r: 3, lora_alpha: 12, target_modules: ['down_proj', 'gate_proj', 'q_proj', 'v_proj'] };
  const ours = JSON.parse(adapterConfigText({ lora, baseModel: 'models/base' })) as Record<string, unknown>;
  const { base_model_name_or_path, exclude_modules, ...shared } = ours;
  expect([base_model_name_or_path, exclude_modules]).toEqual(['models/base', '.*visual.*']);
  expect(theirs).toMatchObject(shared);

  const file = await openSafetensors(path.join(PEFT, ADAPTER_WEIGHTS));
  const { factors } = await readAdapter(PEFT);
  const tensors = [...factors].map(([name, { shape, values }]) => ({
    name,
    shape,
    dtype: 'F32' as const,
    read: () => values,
  }));
  expect(new Set(peftTensors(tensors).map(({ name }) => name))).toEqual(new Set(file.entries.keys()));
  await file.close();
});
