import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { type Config, configSchema } from '../../src/config/schema.js';
import { configDigest, resolvedConfigText } from '../../src/config/text.js';
import { folderWith } from '../folder.js';

const parse = (options: object = {}): Config => configSchema.parse({ name: 'a', model: { path: 'm' }, ...options });

describe('resolvedConfigText', () => {
  it('reads back as the same config', async () => {
    const config = parse({
      model: { path: 'a: #b', lora: {} },
      training: { learning_rate: 1e-7, adam_epsilon: 1e-8, max_steps: 3 },
      data: { system_prompt: 'two\nlines', classes: ['null', '1'], prompt_templates: { qa: ' q ' } },
    });
    const folder = await folderWith({ 'config.yaml': resolvedConfigText(config) });
    expect(await loadConfig({ file: join(folder, 'config.yaml') })).toEqual(config);
  });
});

it('holds no secret, and is YAML all the same', async () => {
  const config = parse({
    model: { path: 'https://me:hunter22@host/m' },
    data: { system_prompt: 'the key is abcdefgh1', classes: ['abcdefgh1', 'x'] },
  });
  const text = resolvedConfigText(config, { JUDGE_KEY: 'abcdefgh1' });
  expect(text).not.toMatch(/hunter22|abcdefgh1/);
  const folder = await folderWith({ 'config.yaml': text });
  const { model, data } = await loadConfig({ file: join(folder, 'config.yaml') });
  expect(model.path).toBe('https://me:[secret]@host/m');
  expect([data.system_prompt, data.classes]).toEqual(['the key is [secret]', ['[secret]', 'x']]);
});

describe('configDigest', () => {
  const digest = (options?: object) => configDigest(parse(options));

  it('is of what determines the numbers, whatever the order of options', () => {
    expect(digest()).toMatch(/^[0-9a-f]{64}$/);
    expect(digest({ name: 'b', output_dir: 'c' })).toBe(digest());
    expect(digest({ training: { logging_steps: 7, save_steps: 7, save_total_limit: 7 } })).toBe(digest());
    const templates = [
      { qa: 'q', tag: 't' },
      { tag: 't', qa: 'q' },
    ];
    const [one, other] = templates.map((prompt_templates) => digest({ data: { prompt_templates } }));
    expect(one).toBe(other);
  });

  it.each([
    { seed: 1 },
    { training: { max_steps: 7 } },
    { rewards: [{ name: 'accuracy' }] },
    { model: { path: 'n' } },
    { model: { path: 'm', lora: {} } },
  ])('differs with %j', (options) => expect(digest(options)).not.toBe(digest()));
});
