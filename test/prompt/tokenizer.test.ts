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
  const { encode, decode } = await loadChanged(({ model }) => {
    model.unk_token = '<|endoftext|>';
  });
  expect(decode([...encode('fire'), 100_000])).toBe('fire');
  expect(decode([100_000])).toBe('');
});

it('knows its largest id', () => {
  expect(tokenizer.largestId).toBe(Math.max(...texts.encoded.flatMap(({ ids }) => ids), ...tokenizer.specialTokenIds));
});

interface Json {
  normalizer: unknown;
  pre_tokenizer: unknown;
  post_processor: unknown;
  decoder: unknown;
  model: { vocab: Record<string, unknown>; unk_token: string | null };
}

const loadChanged = async (change: (json: Json) => void): Promise<Tokenizer> => {
  await cp(PROCESSOR_FOLDER, folder, { recursive: true });
  const file = path.join(folder, 'tokenizer.json');
  const json = JSON.parse(await readFile(file, 'utf8'));
  change(json);
  await writeFile(file, JSON.stringify(json));
  return loadTokenizer(folder);
};

it('puts nothing before or after a text, whatever the file says', async () => {
  const { encode } = await loadChanged((json) => {
    const parts = [{ SpecialToken: { id: '<|endoftext|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    json.post_processor = { type: 'TemplateProcessing', single: parts };
  });
  expect([...encode('fire')]).toEqual([...tokenizer.encode('fire')]);
});

it('says which text it has no tokens for, of a long one the start', async () => {
  const { encode } = await loadChanged(({ model }) => {
    delete model.vocab.z;
    model.unk_token = '<none>';
  });
  expect([...encode('fire')]).toEqual([...tokenizer.encode('fire')]);
  expect(() => encode('z'.repeat(100))).toThrow(
    expect.objectContaining({
      code: 'TOKENIZER_INCOMPLETE',
      message: expect.stringMatching(/tokenizer\.json has no tokens for a part of "z{80}":/),
    }),
  );
});

describe('tokenizers that are programs', () => {
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

  it('stops one that does so for an answer', async () => {
    const id = 100_000;
    const { decode } = await loadChanged((json) => {
      json.model.vocab['q'.repeat(64)] = id;
      json.decoder = { type: 'Replace', pattern: { Regex: '(?:q|q)*Q' }, content: '' };
    });
    expect(() => decode([id])).toThrow(expect.objectContaining({ code: 'TOKENIZER_ENDLESS' }));
  });

  it('refuses what fails with every text', async () => {
    const loading = loadChanged((json) => {
      json.post_processor = { type: 'TemplateProcessing', single: null };
    });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('tokenizer.json is no tokenizer that can be used'),
    });
  });

  it.each([
    [1.5, '1.5'],
    [-1, '-1'],
    ['7', '7'],
    ['x'.repeat(1000), 'x'.repeat(40)],
  ])('refuses the id %s', async (wrong, said) => {
    const loading = loadChanged((json) => {
      json.model.vocab.fire = wrong;
    });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining(`tokenizer.json is no tokenizer that can be used (${said} is no token's id)`),
    });
  });

  const long = 'e'.repeat(100);
  const replace = (content: string) => ({ type: 'Replace', pattern: { String: 'e' }, content });
  it.each<[string, Partial<Json>]>([
    [
      'replacing twice',
      { normalizer: { type: 'Sequence', normalizers: ['eeeeeeeeee', '', 'eeeeeeeeee'].map(replace) } },
    ],
    ['putting something before it', { normalizer: { type: 'Prepend', prepend: long } }],
    ['its spaces', { pre_tokenizer: { type: 'Metaspace', replacement: long } }],
    ['marks of word parts', { decoder: { type: 'WordPiece', prefix: long } }],
    ['marks of word ends', { decoder: { type: 'BPEDecoder', suffix: long } }],
  ])('refuses one that makes a long text of a short one by %s', async (_, change) => {
    await expect(loadChanged((json) => Object.assign(json, change))).rejects.toMatchObject({
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

  const bpe = (vocab: unknown, tokens: unknown[]) =>
    JSON.stringify({ model: { type: 'BPE', vocab, merges: [] }, added_tokens: tokens });
  it.each([
    ['cut off', '{"model": {"type": "BPE", "vo', /is not valid JSON/],
    ['a list', '[]', /\(top level\): .*expected object/],
    ['of another kind', '{"model": {"type": "Unheard"}, "added_tokens": []}', /model\.vocab: must be an object/],
    ['without a model', '{"added_tokens": []}', /model: /],
    ['without a vocabulary', bpe(null, []), /model\.vocab: must be an object/],
    ['of a number of tokens', bpe(7, []), /model\.vocab: must be an object/],
    ['of an added token without an id', bpe({}, [{ content: 'a', id: -1 }]), /added_tokens\.0\.id: /],
    ['of more added tokens than any', bpe({}, Array(100_001).fill(1)), /added_tokens: .*<=100000 items/],
  ])('refuses a tokenizer.json that is %s', async (_, json, message) => {
    await writeFile(path.join(folder, 'tokenizer.json'), json);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringMatching(/tokenizer\.json /),
    });
    await expect(loadTokenizer(folder)).rejects.toThrow(message);
  });

  it('takes a tokenizer_config.json that does not say whether to tidy up, and none that says it otherwise', async () => {
    await cp(PROCESSOR_FOLDER, folder, { recursive: true });
    const file = path.join(folder, 'tokenizer_config.json');
    await writeFile(file, '{"clean_up_tokenization_spaces": null}');
    const { decode, encode } = await loadTokenizer(folder);
    expect(decode(encode('a , b'))).toBe('a , b');
    await writeFile(file, '{"clean_up_tokenization_spaces": "yes"}');
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer_config\.json does not fit/);
  });
});
