import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { modelFolder } from '../../src/model-folder/model-folder.js';
import { folderWith } from '../folder.js';

afterEach(() => vi.unstubAllEnvs());

it('takes a folder as it is', async () => {
  const folder = await folderWith();
  expect(await modelFolder(folder)).toBe(folder);
});

it('says that a file is none', async () => {
  const file = path.join(await folderWith({ 'model.safetensors': '' }), 'model.safetensors');
  await expect(modelFolder(file)).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message: `${file} is not a folder: name the folder in Hugging Face layout that it lies in`,
  });
});

it('says how to get a hub id, and that a folder is not there', async () => {
  vi.stubEnv('HF_HUB_CACHE', await folderWith());
  const message = async (name: string) => String(await modelFolder(name).catch((error: unknown) => error));
  expect(await message('Qwen/Qwen2-VL-7B-Instruct')).toContain('vau-rft download Qwen/Qwen2-VL-7B-Instruct');
  expect(await message('./nowhere')).toContain('check the path');
});
