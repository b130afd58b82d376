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
    expect(parameters.hasAdaptersIn('model.layers.')).toBe(true);
    expect(parameters.trainableNames).toHaveLength(8);
    const b = scope(() => downloadFloats(parameters.master('model.layers.1.mlp.up_proj.lora_B.weight')));
    expect(Math.max(...b)).toBeGreaterThan(0.1);
    models.dispose();
  });

  it('that is more than what is trained is refused with the way out', async () => {
    const adapter = await randomAdapter({ model, ...lora, target_modules: ['q_proj', 'embed_tokens'] });
    const { message, code } = await open(adapter, lora).catch((error) => error);
    expect(message).toMatch(/it has factors of model\.embed_tokens\.weight, a table of rows/);
    expect(message).toMatch(/cannot be trained further: .* Merge it into the model \(vau-rft merge\) and train that\./);
    expect(code).toBe('ADAPTER_UNSUPPORTED');
  });

  it.each([
    [{ r: 3 }, {}, /it has rank 3 on model\.layers\.0\.self_attn\.q_proj, not 2/],
    [{}, { use_rslora: true }, /it has scale 2\.82842712474619 on .*, not 2 \(lora_alpha, use_rslora\)/],
    [{ target_modules: ['q_proj'] }, {}, /it has none on model\.layers\.0\.mlp\.up_proj/],
    [{ target_modules: ['q_proj', 'up_proj', 'qkv'] }, {}, /it has one on visual\.blocks\.0\.attn\.qkv/],
  ])('of another shape (%j, %j) is told as that', async (shape, config, what) => {
    const adapter = await randomAdapter({ model, ...lora, ...shape, config });
    const { message, code } = await open(adapter, lora).catch((error) => error);
    expect([code, message]).toEqual(['ADAPTER_MISMATCH', expect.stringMatching(what)]);
  });
});
