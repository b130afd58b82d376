import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { checkMemory, countWeights, weightMemory } from '../../src/trainer/memory.js';
import { fixture } from '../policy/reference-models.js';

const model = await readModelConfig(fixture('step/policy-full'));
const parse = (options: object = {}) => configSchema.parse({ name: 'a', model: { path: 'm' }, ...options });
const LORA = { path: 'm', lora: { r: 8192 } };

describe('checkMemory', () => {
  const MIB = 2 ** 20;
  const check = (options: object = {}, more: { limit?: number; usesGpu?: boolean } = {}) =>
    checkMemory({ config: parse(options), model, type: 'float32', usesGpu: false, limit: 64 * MIB, ...more });

  it('lets a run pass that may fit', () => expect(() => check()).not.toThrow());

  it.each([
    ['model.lora.r', { model: LORA }, /adapters of rank 8192 \(.* MiB\): lower model\.lora\.r$/],
    [
      'training.prompts_per_step',
      { training: { prompts_per_step: 65_536 } },
      /of 12544 pixels a frame or more .*lower data\.video\.min_pixels or training\.prompts_per_step$/,
    ],
    [
      'rollout.num_generations',
      { rollout: { num_generations: 4096 }, training: { prompts_per_step: 4096 }, data: { video: { min_pixels: 1 } } },
      /the logits and keys of 16777216 completions for a single token .*lower rollout\.num_generations/,
    ],
    [
      'data.video.min_pixels',
      { data: { video: { min_pixels: 4e6, max_pixels: 4e6 } } },
      /2 videos of 4000000 pixels a frame or more/,
    ],
  ])('refuses a huge %s, naming it', (_, options, message) => {
    expect(() => check(options)).toThrow(message);
    expect(() => check(options)).toThrow(/^the run needs at least .* [MG]iB of memory, and there are 64 MiB; /);
  });

  it('refuses a model that is too large, with a code', async () => {
    const refused = Promise.resolve().then(() => check({ data: { video: { min_pixels: 1 } } }, { limit: 2 ** 16 }));
    await expect(refused).rejects.toMatchObject({ code: 'MEMORY_TOO_SMALL' });
    await expect(refused).rejects.toThrow(/most of it is for the weights/);
    expect(() => check({}, { limit: 2 ** 20, usesGpu: true })).not.toThrow();
  });
});

describe('weightMemory', () => {
  it('counts what is frozen in its type, and what is trained with gradient and moments', () => {
    const weights = { model: 1000, own: 0, adapters: 10 };
    const config = parse({ model: { path: 'm', lora: {} } });
    expect(weightMemory({ config, weights, type: 'bfloat16' })).toEqual({
      'frozen weights': 2000,
      'trained weights': 60,
      'reference weights': 0,
      'gradients and optimizer': 120,
    });
    const full = { model: 1000, own: 1000, adapters: 0 };
    expect(weightMemory({ config: parse(), weights: full, type: 'float32' })).toMatchObject({
      'frozen weights': 0,
      'trained weights': 4000,
      'reference weights': 4000,
    });
  });

  it('knows the size of adapters', () => {
    const one = countWeights(parse({ model: { path: 'm', lora: { r: 1 } } }), model);
    expect(countWeights(parse({ model: LORA }), model).adapters).toBe(8192 * one.adapters);
    expect(one.own).toBe(0);
  });
});
