import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model-folder/model-config.js';
import { type TensorSource, writeSafetensors } from '../../src/model-folder/safetensors.js';
import { weightShapes } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { openModelWeights } from '../../src/policy/model-weights.js';
import { fixture, readTensorFixture } from './reference-models.js';

type Tensors = Awaited<ReturnType<typeof readTensorFixture>>;
const EMBEDDING = 'model.embed_tokens.weight';
const OUTPUT = 'lm_head.weight';
const PROJECTION = 'model.layers.0.self_attn.q_proj.weight';

let folder: string;
let original: Tensors;
let tied: ModelConfig;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'model-weights-'));
  await cp(fixture('models/grouped-tied'), folder, { recursive: true });
  const file = 'models/grouped-tied/model.safetensors';
  original = await readTensorFixture(file);
  tied = await readModelConfig(folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** Opens the model of the fixture with these tensors more, or (null) fewer. */
async function open(changes: Record<string, Partial<TensorSource> | null>, config = tied): Promise<void> {
  const kept = [...original].filter(([name]) => !(name in changes));
  const tensors = kept.map(([name, { shape, data }]): TensorSource => ({ name, shape, read: () => data }));
  for (const [name, change] of Object.entries(changes))
    if (change !== null) tensors.push({ name, shape: [1], read: () => new Float32Array(1), ...change });
  await writeSafetensors({ file: path.join(folder, 'model.safetensors'), tensors });
  await (await openModelWeights({ folder, config })).close();
}
const stored = (name: string): Partial<TensorSource> => {
  const { shape, data } = original.get(name)!;
  return { shape, read: () => data };
};

it('takes what a model is made of', async () => {
  await open({});
  const names = [...weightShapes(tied).keys()];
  expect(names).toContain(PROJECTION);
  expect(names).not.toContain(OUTPUT);
});

describe('an output layer beside a tied embedding', () => {
  const embedding = () => original.get(EMBEDDING)!;
  const changed = () => {
    const data = embedding().data.slice();
    data[data.length - 1]! += 1;
    return { shape: embedding().shape, read: () => data };
  };

  it('may be its copy, in another type too', async () => {
    await open({ [OUTPUT]: stored(EMBEDDING) });
    const whole = { shape: embedding().shape, read: () => new Float32Array(embedding().data.length).fill(0.5) };
    await open({ [EMBEDDING]: whole, [OUTPUT]: { ...whole, dtype: 'BF16' } });
  });

  it.each([
    ['other numbers', changed],
    ['other rows', () => ({ shape: [1, embedding().shape[1]!], read: () => new Float32Array(embedding().shape[1]!) })],
  ])('must not have %s', async (_, make) => {
    await expect(open({ [OUTPUT]: make() })).rejects.toMatchObject({
      code: 'WEIGHTS_TIED',
      message: expect.stringMatching(/config\.json says tie_word_embeddings: true, but .* lm_head\.weight that is not/),
    });
  });

  it('is a weight of its own where nothing is tied', async () => {
    const config = { ...tied, tieWordEmbeddings: false };
    await open({ [OUTPUT]: changed() }, config);
    await expect(open({}, config)).rejects.toMatchObject({ code: 'TENSOR_MISSING' });
  });
});

it('passes over tables that are computed here', async () => {
  await open({ 'model.layers.0.self_attn.rotary_emb.inv_freq': {}, 'visual.rotary_pos_emb.inv_freq': {} });
});

it.each<[string, Record<string, Partial<TensorSource> | null>, string, RegExp]>([
  [
    'a missing tensor',
    { [PROJECTION]: null },
    'TENSOR_MISSING',
    /no tensor model\.layers\.0\.self_attn\.q_proj\.weight/,
  ],
  ['another shape', { [PROJECTION]: {} }, 'TENSOR_SHAPE', /q_proj\.weight is \[1\], config\.json asks for/],
  [
    'tensors without a place, the first three by name',
    Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`model.layers.99.${name}`, {}])),
    'TENSOR_UNUSED',
    /no place for: model\.layers\.99\.a, model\.layers\.99\.b, model\.layers\.99\.c and 1 more/,
  ],
  ['a head of another kind', { 'v_head.weight': {} }, 'TENSOR_UNUSED', /no place for: v_head\.weight\. /],
  [
    'GPTQ',
    { [PROJECTION]: null, 'model.layers.0.self_attn.q_proj.qweight': {} },
    'WEIGHTS_QUANTIZED',
    /are quantized \(model\.layers\.0\.self_attn\.q_proj\.qweight\)/,
  ],
  ['bitsandbytes', { [`${PROJECTION}.absmax`]: {} }, 'WEIGHTS_QUANTIZED', /are quantized \(.*q_proj\.weight\.absmax\)/],
  ['fp8', { [`${PROJECTION}_scale_inv`]: {} }, 'WEIGHTS_QUANTIZED', /are quantized \(.*q_proj\.weight_scale_inv\)/],
  [
    "ZeRO-3's placeholders",
    { [PROJECTION]: { shape: [0], read: () => new Float32Array(0) } },
    'WEIGHTS_EMPTY',
    /placeholders \(.*q_proj\.weight is \[0\]\), as DeepSpeed's ZeRO-3 leaves them/,
  ],
  [
    'an adapter around the layers',
    { [PROJECTION]: null, 'model.layers.0.self_attn.q_proj.base_layer.weight': {} },
    'TENSOR_MISSING',
    /in an adapter's wrapping \(.*q_proj\.base_layer\.weight\): merge the two/,
  ],
  [
    'names under a wrapper',
    { [PROJECTION]: null, [`module.${PROJECTION}`]: {} },
    'TENSOR_MISSING',
    /as module\.model\.layers.*saved from a wrapped model; save the model inside, or take module\. off the names/,
  ],
])('refuses %s', async (_, changes, code, message) => {
  await expect(open(changes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
