import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../src/quickstart/tiny-model.js';
import { downloadFloats } from '../../src/tensor/ops.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { scope } from '../../src/tensor/tensor.js';
import { openModels } from '../../src/trainer/models.js';
import { randomAdapter } from '../policy/adapter/random-adapter.js';

const model = path.join(await mkdtemp(path.join(tmpdir(), 'vau-rft-test-')), 'model');
afterAll(() => rm(path.dirname(model), { recursive: true, force: true }));

beforeAll(async () => {
  await startRuntime({ report: () => {} });
  await writeTinyModel({ folder: model, seed: 1 });
}, 300_000);

const lora = { r: 2, lora_alpha: 4, target_modules: ['q_proj', 'up_proj'] };

const open = (adapter: string, settings: typeof lora | undefined) =>
  openModels({
    config: {
      model: { path: model, dtype: 'float32', freeze_vision: true, lora: settings, adapter },
      seed: 0,
    },
    withReference: false,
  });

describe('model.adapter', () => {
  it('goes on from the factors of an adapter of the same shape', async () => {
    const adapter = await randomAdapter({ model, ...lora });
    const models = await open(adapter, lora);
    const { parameters } = models.policy;
    expect(parameters.usesAdapters).toBe(true);
    expect(parameters.trainableNames).toHaveLength(8);
    const b = scope(() => downloadFloats(parameters.master('model.layers.1.mlp.up_proj.lora_B.weight')));
    expect(Math.max(...b)).toBeGreaterThan(0.1);
    models.dispose();
  });

  it.each([
    [{ use_rslora: true }, lora.target_modules, /use_rslora or alpha_pattern gives .* another scale/],
    [{}, ['q_proj', 'qkv'], /it changes visual\.blocks\.0\.attn\.qkv\.weight/],
  ])('that is more than what is trained (%j) is refused with the way out', async (config, target_modules, what) => {
    const adapter = await randomAdapter({ model, ...lora, target_modules, config });
    const { message, code } = await open(adapter, lora).catch((error) => error);
    expect(message).toMatch(what);
    expect(message).toMatch(/cannot be trained further: .* Merge it into the model \(vau-rft merge\) and train that\./);
    expect(code).toBe('ADAPTER_UNSUPPORTED');
  });

  it('of another rank is told as that', async () => {
    const adapter = await randomAdapter({ model, ...lora, r: 3 });
    await expect(open(adapter, lora)).rejects.toThrow(/has r 3, lora_alpha 6, target_modules \[q_proj, up_proj\]/);
  });
});
