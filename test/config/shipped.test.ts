import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAblation } from '../../src/ablation/file.js';
import { planRuns } from '../../src/ablation/plan.js';
import { jsonSchemaText } from '../../src/config/json-schema.js';
import { loadConfig } from '../../src/config/load.js';
import { packageFile } from '../../src/system/package-file.js';

const folder = packageFile('configs');
const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
const ablations = files.filter((name) => basename(name).startsWith('ablate-'));
const configs = files.filter((name) => !ablations.includes(name));

describe('the shipped configs', () => {
  it('are found in folders too', () => expect(configs).toContain(join('quickstart', 'grpo.yaml')));

  it.each(configs)('%s is whole, under its own name', async (name) => {
    const config = await loadConfig({ file: join(folder, name) });
    expect(`${config.name}.yaml`).toBe(name.replace(sep, '-'));
  });

  it.each(configs)('%s names its schema', async (name) => {
    const [, schema] =
      /^# yaml-language-server: \$schema=(.*)\n/.exec(await readFile(join(folder, name), 'utf8')) ?? [];
    expect(join(folder, dirname(name), schema!)).toBe(join(folder, 'schema.json'));
  });

  it.each(ablations)('%s can be planned', async (name) => {
    const ablation = await readAblation(join(folder, name));
    const { runs } = await planRuns({ ablation });
    expect(runs.length).toBeGreaterThan(1);
  });

  it('have the schema of this version (vau-rft schema > configs/schema.json)', async () => {
    expect(await readFile(join(folder, 'schema.json'), 'utf8')).toBe(jsonSchemaText());
  });
});

describe('the schema', () => {
  it('requires nothing outside of lists, since a file may extend another', () => {
    const schema = JSON.parse(jsonSchemaText());
    expect(schema.required).toBeUndefined();
    expect(schema.properties.model.required).toBeUndefined();
    for (const reward of schema.properties.rewards.items.oneOf) expect(reward.required[0]).toBe('name');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.extends.type).toBe('string');
  });
});
