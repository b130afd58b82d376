import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readAblation } from '../../src/ablation/file.js';
import { planRuns } from '../../src/ablation/plan.js';
import { jsonSchemaText } from '../../src/config/json-schema.js';
import { loadConfig } from '../../src/config/load.js';

const files = (await readdir('configs')).filter((name) => name.endsWith('.yaml'));
const ablations = files.filter((name) => name.startsWith('ablate-'));
const configs = files.filter((name) => !ablations.includes(name));

describe('the shipped configs', () => {
  it.each(configs)('%s is whole, under its own name, and names its schema', async (name) => {
    const config = await loadConfig({ file: `configs/${name}` });
    expect(`${config.name}.yaml`).toBe(name);
    expect(await readFile(`configs/${name}`, 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\/schema\.json\n/);
  });

  it.each(ablations)('%s can be planned', async (name) => {
    const ablation = await readAblation(`configs/${name}`);
    const runs = await planRuns({ ablation });
    expect(runs.length).toBeGreaterThan(1);
  });

  it('have the schema of this version (vau-rft schema > configs/schema.json)', async () => {
    expect(await readFile('configs/schema.json', 'utf8')).toBe(jsonSchemaText());
  });
});

describe('the schema', () => {
  it('requires nothing outside of lists, since a file may extend another', () => {
    const schema = JSON.parse(jsonSchemaText());
    expect(schema.required).toBeUndefined();
    expect(schema.properties.model.required).toBeUndefined();
    expect(schema.properties.rewards.items.required).toEqual(['name']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.extends.type).toBe('string');
  });
});
