import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openWeights } from '../../src/model-folder/weights.js';
import { folderWith } from '../folder.js';

it.each<[string[], RegExp]>([
  [['pytorch_model.bin'], /PyTorch's own files \(pytorch_model\.bin\).*write it with save_pretrained/],
  [['pytorch_model-00002-of-00002.bin', 'pytorch_model.bin.index.json'], /PyTorch's own files/],
  [['model-00001-of-00002.safetensors'], /shards \(model-00001-of-00002\.safetensors\), but not the index/],
  [['adapter_model.safetensors', 'adapter_config.json'], /adapter_model\.safetensors is an adapter/],
  [['zero_to_fp32.py', 'latest'], /put them together first/],
  [['qwen2-vl-q4_k_m.gguf'], /qwen2-vl-q4_k_m\.gguf is llama\.cpp's format/],
  [['weights.safetensors'], /it has weights\.safetensors: weights are looked for under the names/],
  [['checkpoint-100', 'checkpoint-200'], /give a checkpoint inside of it \(checkpoint-200\)/],
  [['config.json'], /give a model folder in Hugging Face layout/],
])('a folder with %s', async (names, message) => {
  const folder = await folderWith(Object.fromEntries(names.map((name) => [name, ''])));
  await expect(openWeights(folder)).rejects.toMatchObject({ code: 'WEIGHTS_MISSING' });
  await expect(openWeights(folder)).rejects.toThrow(message);
});

it('a link to a file that was never fetched', async () => {
  const folder = await folderWith();
  symlinkSync('../../blobs/abcdef', path.join(folder, 'model.safetensors'));
  await expect(openWeights(folder)).rejects.toThrow(/model\.safetensors is a link to a file that is not there/);
});
