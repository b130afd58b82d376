import { beforeAll, describe, expect, it } from 'vitest';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { adaptedLayers, addAdapters, initialFactors } from '../../src/policy/lora.js';
import { Parameters } from '../../src/policy/parameters.js';
import { activeBackend } from '../../src/tensor/active.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { fixture } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

// Hidden 64, 4 heads of 16, 2 key-value heads, 2 layers; its vision tower has layers of the same kind.
const config = await readModelConfig(fixture('models/grouped-tied'));
const lora = { r: 3, lora_alpha: 12, target_modules: ['q_proj', 'v_proj', 'down_proj', 'qkv', 'fc1', 'proj'] };

describe('adaptedLayers', () => {
  it('are linear layers of the decoder only, with the shapes of their factors', () => {
    const layers = adaptedLayers(config, lora);
    const { intermediateSize } = config.text;
    expect(layers).toEqual(
      [0, 1].flatMap((i) => [
        { layer: `model.layers.${i}.self_attn.q_proj`, a: [3, 64], b: [64, 3] },
        { layer: `model.layers.${i}.self_attn.v_proj`, a: [3, 64], b: [32, 3] },
        { layer: `model.layers.${i}.mlp.down_proj`, a: [3, intermediateSize], b: [64, 3] },
      ]),
    );
  });
});

describe('initialFactors', () => {
  const [q, v] = ['model.layers.0.self_attn.q_proj', 'model.layers.0.self_attn.v_proj'];
  const factors = initialFactors(7);

  it('A is uniform in ± 1/√in', () => {
    const a = factors(`${q}.lora_A.weight`, [64, 100]);
    expect(a).toHaveLength(6400);
    const bound = 0.1;
    expect(Math.max(...a)).toBeLessThanOrEqual(bound);
    expect(Math.min(...a)).toBeGreaterThanOrEqual(-bound);
    const mean = a.reduce((sum, x) => sum + x, 0) / a.length;
    const variance = a.reduce((sum, x) => sum + (x - mean) ** 2, 0) / a.length;
    expect(Math.abs(mean)).toBeLessThan(4 * (bound / Math.sqrt(3 * 6400)));
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
  });

  it('B is zero', () => {
    const b = factors(`${q}.lora_B.weight`, [64, 3]);
    expect([b.length, b.every((x) => x === 0)]).toEqual([192, true]);
  });

  it('depend on the seed and the layer, and on nothing else', () => {
    const name = `${q}.lora_A.weight`;
    expect(initialFactors(7)(name, [3, 64])).toEqual(factors(name, [3, 64]));
    expect(initialFactors(8)(name, [3, 64])).not.toEqual(factors(name, [3, 64]));
    expect(factors(`${v}.lora_A.weight`, [3, 64])).not.toEqual(factors(name, [3, 64]));
  });
});

it('addAdapters makes both factors trainable and scales by lora_alpha / r', () => {
  const parameters = new Parameters({ type: 'float32' });
  addAdapters({ parameters, config, lora, values: initialFactors(7) });
  expect(parameters.adapterScale).toBe(4);
  expect(parameters.trainableNames).toHaveLength(12);
  expect(parameters.trainableNames.slice(0, 2)).toEqual([
    'model.layers.0.self_attn.q_proj.lora_A.weight',
    'model.layers.0.self_attn.q_proj.lora_B.weight',
  ]);
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});
