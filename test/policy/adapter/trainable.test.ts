import { expect, it } from 'vitest';
import { readTrainable } from '../../../src/policy/adapter/trainable.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture, readJsonFixture } from '../reference-models.js';
import { adapterCopy } from './adapter-copy.js';

const expected = await readJsonFixture<Record<string, { model: string }>>('adapters/expected.json');

it.each([
  ['vision', 'it changes visual.patch_embed.proj.weight'],
  ['embedding', 'it changes model.embed_tokens.weight'],
  ['head', 'it changes lm_head.weight'],
  ['bias', 'it changes'],
  ['one-layer', 'it leaves out model.layers.0.self_attn.q_proj'],
])('%s is more than is trained: %s', async (name, beyond) => {
  const model = await readModelConfig(fixture(`models/${expected[name]!.model}`));
  const found = await readTrainable({ folder: fixture(`adapters/${name}`), model });
  expect(found).toEqual({ beyond: expect.stringContaining(beyond) });
});

it.each([
  [{ use_rslora: true }, 'use_rslora or alpha_pattern gives model.layers.0.self_attn.q_proj.weight another scale'],
  [{ alpha_pattern: { v_proj: 3 } }, 'gives model.layers.0.self_attn.v_proj.weight another scale'],
  [{ r: 4, rank_pattern: { '.*_proj': 3 } }, 'rank_pattern gives model.layers.0.self_attn.q_proj.weight another rank'],
])('so is %j', async (config, beyond) => {
  const model = await readModelConfig(fixture('models/grouped-tied'));
  const folder = await adapterCopy({ from: fixture('adapter'), config });
  expect(await readTrainable({ folder, model })).toEqual({ beyond: expect.stringContaining(beyond) });
});

it('a pattern that means the layers of a list is that list', async () => {
  const model = await readModelConfig(fixture('models/grouped-tied'));
  const target_modules = '(?!.*visual).*(q_proj|v_proj|gate_proj|down_proj)';
  const folder = await adapterCopy({ from: fixture('adapter'), config: { target_modules } });
  const found = await readTrainable({ folder, model });
  const names = ['q_proj', 'v_proj', 'gate_proj', 'down_proj'];
  expect(found).toMatchObject({ lora: { r: 3, lora_alpha: 12, target_modules: names } });
});
