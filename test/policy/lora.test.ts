import { beforeAll, describe, expect, it } from 'vitest';
import { planAdapter } from '../../src/policy/adapter/plan.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { addAdapters, initialFactors } from '../../src/policy/lora.js';
import { Parameters } from '../../src/policy/parameters.js';
import { activeBackend } from '../../src/tensor/active.js';
import { startRuntime } from '../../src/tensor/runtime.js';
import { fixture } from './reference-models.js';

beforeAll(async () => {
  await startRuntime({ report: () => {} });
}, 300_000);

const config = await readModelConfig(fixture('models/grouped-tied'));
const lora = { r: 3, lora_alpha: 12, target_modules: ['q_proj', 'v_proj', 'down_proj'] };

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

it('addAdapters makes both factors trainable, with the scale of each layer', () => {
  const parameters = new Parameters({ type: 'float32' });
  const plan = planAdapter({ model: config, lora: { ...lora, alpha_pattern: { v_proj: 6 } }, freezesVision: true });
  addAdapters({ parameters, plan, values: initialFactors(7) });
  const [q, v] = ['q_proj', 'v_proj'].map((name) => parameters.adapter(`model.layers.0.self_attn.${name}`)!.scale);
  expect([q, v]).toEqual([4, 2]);
  expect(parameters.trainableNames).toHaveLength(12);
  expect(parameters.trainableNames.slice(0, 2)).toEqual([
    'model.layers.0.self_attn.q_proj.lora_A.weight',
    'model.layers.0.self_attn.q_proj.lora_B.weight',
  ]);
  expect([parameters.hasAdaptersIn('model.layers.'), parameters.hasAdaptersIn('visual.')]).toEqual([true, false]);
  parameters.dispose();
  expect(activeBackend().liveTensors()).toBe(0);
});
