import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors, toFloat32 } from '../../src/model-folder/safetensors.js';
import { openProcessor } from '../../src/policy/families/named.js';
import { readModelConfig } from '../../src/policy/families/read-config.js';
import { writeTinyModel } from '../../src/quickstart/tiny-model.js';
import { CLIP_CLASSES } from '../../src/synthesize/classes.js';
import { folderWith } from '../folder.js';

describe('writeTinyModel', () => {
  it('writes the same folder for the same seed', async () => {
    const [a, b, c] = [await folderWith(), await folderWith(), await folderWith()];
    await writeTinyModel({ folder: a, seed: 1 });
    await writeTinyModel({ folder: b, seed: 1 });
    await writeTinyModel({ folder: c, seed: 2 });
    const weights = (folder: string) => readFile(join(folder, 'model.safetensors'));
    expect((await weights(a)).equals(await weights(b))).toBe(true);
    expect((await weights(a)).equals(await weights(c))).toBe(false);
  });

  it('draws weights as spread out as the config says', async () => {
    const folder = await folderWith();
    await writeTinyModel({ folder, seed: 1 });
    const { initializer_range } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')).text_config;
    const file = await openSafetensors(join(folder, 'model.safetensors'));
    const values = toFloat32(await file.readTensor('model.layers.1.mlp.down_proj.weight'));
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.sqrt(variance) / initializer_range).toBeCloseTo(1, 1);
    expect([...toFloat32(await file.readTensor('model.norm.weight'))]).toEqual(Array(128).fill(1));
    await file.close();
  });
});

describe('the tiny tokenizer', () => {
  it('gives back any text, and has one token for each decision', async () => {
    const folder = await folderWith();
    await writeTinyModel({ folder, seed: 1 });
    const { tokenizer } = await openProcessor({ folder, config: await readModelConfig(folder) });
    for (const text of ['Wörter, 日本 & 12.75\n\n', '<think>B. fire burns</think><answer>B</answer>']) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
    const { name, phrase } = CLIP_CLASSES[2]!;
    const lengths = [
      [`<think>B. ${phrase}</think><answer>B</answer>`, 5],
      [`<think>${phrase}</think><answer>${name}</answer>`, 5],
      [`<think>${phrase}</think><answer>Anomaly</answer><glue>[3.0, 5.0]</glue>`, 8],
      [`What happens?\nA. ${phrase}\nB. ${phrase}`, 5],
    ] as const;
    for (const [text, length] of lengths) expect(tokenizer.encode(text), text).toHaveLength(length);
  });

  it('knows every phrase and class name of the clips', async () => {
    const folder = await folderWith();
    await writeTinyModel({ folder, seed: 1 });
    const { tokenizer } = await openProcessor({ folder, config: await readModelConfig(folder) });
    for (const { name, phrase } of CLIP_CLASSES) {
      for (const text of [name, phrase, `D. ${phrase}`, `\nD. ${phrase}`])
        expect(tokenizer.encode(text), text).toHaveLength(1);
    }
  });
});
