import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../src/prompt/tokenizer.js';
import { PROCESSOR_FOLDER, texts } from './fixtures.js';

let tokenizer: Tokenizer;
let folder: string;
beforeAll(async () => {
  tokenizer = await loadTokenizer(PROCESSOR_FOLDER);
  folder = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('against transformers', () => {
  it.each(texts.encoded)('encodes $text', ({ text, ids }) => {
    expect([...tokenizer.encode(text)]).toEqual(ids);
  });

  it.each(texts.decoded)('decodes $ids', ({ ids, text, without_special }) => {
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(Int32Array.from(ids), { skipSpecialTokens: true })).toBe(without_special);
  });
});

it('knows its special tokens, and which added ones are not special', () => {
  expect(tokenizer.specialTokenIds).toContain(tokenizer.idOf('<|im_end|>'));
  expect(tokenizer.specialTokenIds).not.toContain(tokenizer.idOf('<think>'));
  expect(tokenizer.specialTokenIds.size).toBe(8);
});

it('says which token is missing', () => {
  expect(() => tokenizer.idOf('<|no_such_token|>')).toThrow(
    expect.objectContaining({ code: 'TOKENIZER_TOKEN_MISSING', message: expect.stringContaining('<|no_such_token|>') }),
  );
});

it('tidies up spaces only where tokenizer_config.json says so', async () => {
  const text = 'a , b';
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  await cp(PROCESSOR_FOLDER, folder, { recursive: true });
  await writeFile(path.join(folder, 'tokenizer_config.json'), '{"clean_up_tokenization_spaces": true}');
  const tidy = await loadTokenizer(folder);
  expect(tidy.decode(tidy.encode(text))).toBe('a, b');
});

it('gives no text for ids beyond the vocabulary, even where there is a token for the unknown', async () => {
  await cp(PROCESSOR_FOLDER, folder, { recursive: true });
  const file = path.join(folder, 'tokenizer.json');
  const json = JSON.parse(await readFile(file, 'utf8'));
  json.model.unk_token = '<|endoftext|>';
  await writeFile(file, JSON.stringify(json));
  const { encode, decode } = await loadTokenizer(folder);
  expect(decode([...encode('fire'), 100_000])).toBe('fire');
  expect(decode([100_000])).toBe('');
});

describe('bad folders', () => {
  it('names a missing tokenizer.json and the remedy', async () => {
    await rm(path.join(folder, 'tokenizer.json'), { force: true });
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      name: 'ModelError',
      code: 'MODEL_FILE_MISSING',
      message: expect.stringMatching(/tokenizer\.json is missing: give a model folder/),
    });
  });

  it.each([
    ['cut off', '{"model": {"type": "BPE", "vo'],
    ['of another kind', '{"model": {"type": "Unheard"}, "added_tokens": []}'],
    ['without a model', '{"added_tokens": []}'],
  ])('refuses a tokenizer.json that is %s', async (_, json) => {
    await writeFile(path.join(folder, 'tokenizer.json'), json);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('tokenizer.json'),
    });
  });
});
