import { expect, it } from 'vitest';
import { readTrainable, type TrainableAdapter } from '../../../src/policy/adapter/trainable.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture, readJsonFixture } from '../reference-models.js';
import { adapterCopy } from './adapter-copy.js';

const expected = await readJsonFixture<Record<string, { model: string }>>('adapters/expected.json');

it.each([
  ['embedding', 'it has factors of model.embed_tokens.weight, a table of rows'],
  ['head', 'it changes lm_head.weight'],
  ['bias', 'it holds'],
])('%s is more than is trained: %s', async (name, beyond) => {
  const model = await readModelConfig(fixture(`models/${expected[name]!.model}`));
  const found = await readTrainable({ folder: fixture(`adapters/${name}`), model });
  expect(found).toEqual({ beyond: expect.stringContaining(beyond) });
});

it.each([
  ['vision', 'visual.patch_embed.proj'],
  ['one-layer', 'model.layers.1.self_attn.q_proj'],
])('%s can be trained further', async (name, layer) => {
  const model = await readModelConfig(fixture(`models/${expected[name]!.model}`));
  const { plan, values } = (await readTrainable({ folder: fixture(`adapters/${name}`), model })) as TrainableAdapter;
  const { a } = plan.layers.get(layer)!;
  expect(values(`${layer}.lora_A.weight`, a)).toHaveLength(a.reduce((n, d) => n * d, 1));
});

it.each([
  [{ use_rslora: true }, 12 / Math.sqrt(3), 12 / Math.sqrt(3)],
  [{ alpha_pattern: { v_proj: 3 } }, 4, 1],
])('scales of %j', async (config, q, v) => {
  const model = await readModelConfig(fixture('models/grouped-tied'));
  const folder = await adapterCopy({ from: fixture('adapter'), config });
  const { plan } = (await readTrainable({ folder, model })) as TrainableAdapter;
  const scales = ['q_proj', 'v_proj'].map((name) => plan.layers.get(`model.layers.0.self_attn.${name}`)!.scale);
  expect(scales).toEqual([q, v]);
});
