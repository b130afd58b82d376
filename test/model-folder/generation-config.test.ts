import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readGenerationConfig } from '../../src/model-folder/generation-config.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'generation-'));
});
afterEach(() => rm(folder, { recursive: true }));
const write = (name: string, json: object) => writeFile(path.join(folder, name), JSON.stringify(json));

it('reads the file of Qwen2-VL-2B-Instruct', async () => {
  await write('generation_config.json', {
    bos_token_id: 151643,
    pad_token_id: 151643,
    do_sample: true,
    eos_token_id: [151645, 151643],
    repetition_penalty: 1.0,
    temperature: 0.01,
    top_p: 0.001,
    top_k: 1,
    transformers_version: '4.37.0',
  });
  expect(await readGenerationConfig(folder)).toEqual({
    eosTokenIds: [151645, 151643],
    padTokenId: 151643,
    doSample: true,
    temperature: 0.01,
    topP: 0.001,
    topK: 1,
    repetitionPenalty: 1,
  });
});

it('takes one end token for a list of one', async () => {
  await write('generation_config.json', { eos_token_id: 7 });
  expect((await readGenerationConfig(folder)).eosTokenIds).toEqual([7]);
});

it('falls back to the end token of config.json, flat or nested, then to none', async () => {
  expect((await readGenerationConfig(folder)).eosTokenIds).toEqual([]);
  await write('config.json', { text_config: { eos_token_id: [1, 2] } });
  expect((await readGenerationConfig(folder)).eosTokenIds).toEqual([1, 2]);
  await write('config.json', { eos_token_id: 3 });
  await write('generation_config.json', { eos_token_id: null });
  expect((await readGenerationConfig(folder)).eosTokenIds).toEqual([3]);
});

it('names a wrong entry', async () => {
  await write('generation_config.json', { eos_token_id: '<|im_end|>' });
  await expect(readGenerationConfig(folder)).rejects.toMatchObject({
    code: 'MODEL_FILE_INVALID',
    message: expect.stringMatching(/generation_config\.json.*eos_token_id/s),
  });
});
