import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openProcessor } from '../../src/policy/families/named.js';
import { folderWith } from '../folder.js';
import { PROCESSOR_FOLDER, processorConfig } from './fixtures.js';

const config = await processorConfig();

/** The processor of the fixtures with a file changed. */
async function changed(name: string, change: (text: string) => string): Promise<string> {
  const folder = await folderWith();
  await cp(PROCESSOR_FOLDER, folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, change(await readFile(file, 'utf8').catch(() => '')));
  return folder;
}

it('ends a completion with the turn, and with what generation_config.json says', async () => {
  const { tokenizer, endTokenIds, endOfTurnId } = await openProcessor({
    folder: await changed('generation_config.json', () => `{"eos_token_id": [3, ${config.videoTokenId}]}`),
    config,
  });
  expect(endOfTurnId).toBe(tokenizer.idOf('<|im_end|>'));
  expect(endTokenIds).toEqual([endOfTurnId, 3, config.videoTokenId]);
});

it('says which token a tokenizer of another model lacks', async () => {
  const folder = await changed('tokenizer.json', (text) => text.replaceAll('<|video_pad|>', '<|other_pad|>'));
  await expect(openProcessor({ folder, config })).rejects.toMatchObject({
    code: 'TOKENIZER_TOKEN_MISSING',
    message: expect.stringContaining('tokenizer.json has no token <|video_pad|>'),
  });
});

describe("refuses another model's", () => {
  it.each(['patch_size', 'temporal_patch_size', 'merge_size'])('%s', async (name) => {
    const folder = await changed('processor_config.json', (text) => {
      const json = JSON.parse(text);
      json.video_processor[name] = 5;
      return JSON.stringify(json);
    });
    const size = name === 'patch_size' ? 14 : 2;
    await expect(openProcessor({ folder, config })).rejects.toMatchObject({
      code: 'PROCESSOR_MISMATCH',
      message: `${folder}/processor_config.json has ${name} 5 (the model's is ${size}): it belongs to another model; take the one that came with the weights.`,
    });
  });

  it.each<[string, Partial<typeof config>, RegExp]>([
    [
      'id of the video',
      { videoTokenId: 7 },
      /tokenizer\.json has <\|video_pad\|> as \d+, and the model's video_token_id/,
    ],
    ['id of the image', { imageTokenId: 7 }, /<\|image_pad\|> as \d+, and the model's image_token_id is 7/],
    [
      'id of the start',
      { visionStartTokenId: 7 },
      /<\|vision_start\|> as \d+, and the model's vision_start_token_id is 7/,
    ],
    ['id of the end', { visionEndTokenId: 7 }, /<\|vision_end\|> as \d+, and the model's vision_end_token_id is 7/],
    ['rows', { text: { ...config.text, vocabSize: config.text.vocabSize - 1 } }, /ids up to (\d+), .* has \1 rows/],
  ])('%s', async (_, change, message) => {
    const error = { code: 'PROCESSOR_MISMATCH', message: expect.stringMatching(message) };
    await expect(openProcessor({ folder: PROCESSOR_FOLDER, config: { ...config, ...change } })).rejects.toMatchObject(
      error,
    );
  });

  it.each(['{"eos_token_id": [1, 99999]}', '{"eos_token_id": 1, "pad_token_id": 99999}'])('%s', async (json) => {
    const folder = await changed('generation_config.json', () => json);
    await expect(openProcessor({ folder, config })).rejects.toMatchObject({
      code: 'PROCESSOR_MISMATCH',
      message: expect.stringMatching(/generation_config\.json .*names the token 99999, and the model's embedding has/),
    });
  });
});
