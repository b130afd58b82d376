import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toFloat32, writeSafetensors } from '../../src/model-folder/safetensors.js';
import { openWeights } from '../../src/model-folder/weights.js';

const SHARDED = fileURLToPath(new URL('../fixtures/weights/sharded', import.meta.url));
const INDEX = 'model.safetensors.index.json';
const EMBEDDING = 'model.embed_tokens.weight';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weights-'));
});
afterEach(() => rm(folder, { recursive: true }));

const writeSingle = (...names: string[]) =>
  writeSafetensors({
    file: path.join(folder, 'model.safetensors'),
    tensors: names.map((name) => ({ name, shape: [2], read: () => Float32Array.of(1, 2) })),
  });
async function editIndex(edit: (index: { weight_map: Record<string, string> }) => void) {
  await cp(SHARDED, folder, { recursive: true });
  const file = path.join(folder, INDEX);
  const index = JSON.parse(await readFile(file, 'utf8'));
  edit(index);
  await writeFile(file, JSON.stringify(index));
}

describe('shards', () => {
  it('are one set of tensors under the names of the published checkpoints', async () => {
    const weights = await openWeights(SHARDED);
    expect(weights.names().sort()).toEqual([
      'lm_head.weight',
      EMBEDDING,
      'model.layers.0.self_attn.q_proj.weight',
      'model.norm.weight',
      'visual.patch_embed.proj.weight',
    ]);
    expect(weights.shape(EMBEDDING)).toEqual([4, 3]);
    const embedding = await weights.read(EMBEDDING);
    expect(embedding.dtype).toBe('BF16');
    expect([...toFloat32(embedding)]).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect([...toFloat32(await weights.read('model.norm.weight'))]).toEqual([1, 1, 1]);
    await weights.close();
  });

  it('fail by name if one is missing', async () => {
    await cp(SHARDED, folder, { recursive: true });
    await rm(path.join(folder, 'model-00002-of-00002.safetensors'));
    await expect(openWeights(folder)).rejects.toMatchObject({
      code: 'WEIGHTS_MISSING',
      message: expect.stringContaining('model-00002-of-00002.safetensors is missing'),
    });
  });

  it('fail by name if one lacks a tensor of the index', async () => {
    await editIndex(({ weight_map }) => {
      weight_map['model.layers.1.mlp.up_proj.weight'] = 'model-00001-of-00002.safetensors';
    });
    await expect(openWeights(folder)).rejects.toMatchObject({
      code: 'TENSOR_MISSING',
      message: expect.stringMatching(/model-00001-of-00002\.safetensors has no tensor model\.layers\.1\.mlp\.up_proj/),
    });
  });

  it('fail by name if one has a tensor that the index does not say of it', async () => {
    await editIndex(({ weight_map }) => {
      delete weight_map['lm_head.weight'];
    });
    await expect(openWeights(folder)).rejects.toMatchObject({
      code: 'TENSOR_UNUSED',
      message: expect.stringMatching(/model-0000\d-of-00002\.safetensors has a tensor lm_head\.weight, which/),
    });
  });

  it('fail if the index is a list of numbers', async () => {
    await editIndex((index) => Object.assign(index, { weight_map: Array(20).fill(1) }));
    await expect(openWeights(folder)).rejects.toThrow(
      /index\.json does not fit:\n {2}weight_map: must be an object of/,
    );
  });

  it('never come from another folder', async () => {
    await editIndex(({ weight_map }) => {
      weight_map['lm_head.weight'] = '../elsewhere.safetensors';
    });
    await expect(openWeights(folder)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
  });
});

describe('a single file', () => {
  it('is taken before an index', async () => {
    await cp(SHARDED, folder, { recursive: true });
    await writeSingle('model.norm.weight');
    const weights = await openWeights(folder);
    expect(weights.names()).toEqual(['model.norm.weight']);
    expect(weights.has(EMBEDDING)).toBe(false);
    await weights.close();
  });

  it('fails for a missing tensor and for another shape, naming both sides', async () => {
    await writeSingle('model.visual.x', 'model.norm.weight');
    const weights = await openWeights(folder);
    await expect(weights.read('lm_head.weight')).rejects.toMatchObject({
      name: 'ModelError',
      code: 'TENSOR_MISSING',
      message: expect.stringMatching(/no tensor lm_head\.weight: the checkpoint is incomplete/),
    });
    expect(() => weights.shape('lm_head.weight')).toThrow(expect.objectContaining({ code: 'TENSOR_MISSING' }));
    expect(() => weights.check('visual.x', [2, 1])).toThrow(
      expect.objectContaining({
        code: 'TENSOR_SHAPE',
        message: expect.stringMatching(/model\.safetensors: tensor visual\.x is \[2\], config\.json asks for \[2, 1\]/),
      }),
    );
    weights.check('visual.x', [2]);
    expect((await weights.read('visual.x')).shape).toEqual([2]);
    await weights.close();
  });

  it('fails if two names mean one tensor', async () => {
    await writeSingle('visual.x', 'model.visual.x');
    await expect(openWeights(folder)).rejects.toThrow(/has both .*visual\.x and .*visual\.x, two names of one tensor/);
  });
});

it('says what a folder without weights lacks', async () => {
  await expect(openWeights(folder)).rejects.toMatchObject({
    code: 'WEIGHTS_MISSING',
    message: expect.stringMatching(/neither model\.safetensors nor model\.safetensors\.index\.json/),
  });
});
