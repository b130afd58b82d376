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

it('knows its largest id', () => {
  expect(tokenizer.largestId).toBe(Math.max(...texts.encoded.flatMap(({ ids }) => ids), ...tokenizer.specialTokenIds));
});

describe('tokenizers that are programs', () => {
  const loadChanged = async (
    change: (json: { normalizer: unknown; pre_tokenizer: unknown; model: { vocab: Record<string, unknown> } }) => void,
  ) => {
    await cp(PROCESSOR_FOLDER, folder, { recursive: true });
    const file = path.join(folder, 'tokenizer.json');
    const json = JSON.parse(await readFile(file, 'utf8'));
    change(json);
    await writeFile(file, JSON.stringify(json));
    return loadTokenizer(folder);
  };
  const split = (pattern: string) => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  });

  it('stops a pattern that backtracks without end, when it is loaded', async () => {
    const loading = loadChanged((json) => {
      json.pre_tokenizer = split('(?:a|a)*b');
    });
    await expect(loading).rejects.toMatchObject({
      code: 'TOKENIZER_ENDLESS',
      message: expect.stringMatching(/tokenizer\.json is no tokenizer that can be used \(it did not end within 5 s\)/),
    });
  });

  it('stops one that does so for a text only', async () => {
    const { encode } = await loadChanged((json) => {
      json.pre_tokenizer = split('(?:q|q)*Q');
    });
    expect([...encode('fire')]).toEqual([...tokenizer.encode('fire')]);
    expect(() => encode('q'.repeat(64))).toThrow(expect.objectContaining({ code: 'TOKENIZER_ENDLESS' }));
  });

  it.each([1.5, -1, '7'])('refuses the id %s', async (wrong) => {
    const loading = loadChanged((json) => {
      json.model.vocab.fire = wrong;
    });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining(`tokenizer.json is no tokenizer that can be used (${wrong} is no token's id)`),
    });
  });

  it('refuses one that makes a long text of a short one', async () => {
    const replace = { type: 'Replace', pattern: { String: 'e' }, content: 'eeeeeeeeee' };
    const loading = loadChanged((json) => {
      json.normalizer = { type: 'Sequence', normalizers: [replace, replace] };
    });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('a text may become 100 times as long'),
    });
  });
});

describe('bad folders', () => {
  it('names a missing tokenizer.json and the remedy', async () => {
    await rm(path.join(folder, 'tokenizer.json'), { force: true });
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      name: 'ModelError',
      code: 'MODEL_FILE_MISSING',
      message: expect.stringMatching(
        /tokenizer\.json is missing: take the one that came with the model; .* only vocab\.json and merges\.txt/,
      ),
    });
  });

  it.each([
    ['cut off', '{"model": {"type": "BPE", "vo'],
    ['of another kind', '{"model": {"type": "Unheard"}, "added_tokens": []}'],
    ['without a model', '{"added_tokens": []}'],
    [
      'of more added tokens than any',
      `{"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": [${Array(100_001).fill(1)}]}`,
    ],
  ])('refuses a tokenizer.json that is %s', async (_, json) => {
    await writeFile(path.join(folder, 'tokenizer.json'), json);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('tokenizer.json'),
    });
  });
});
