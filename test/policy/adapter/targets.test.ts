import { expect, it } from 'vitest';
import { moduleName } from '../../../src/policy/adapter/names.js';
import { patternValues, targetedModules } from '../../../src/policy/adapter/targets.js';
import { weightShapes } from '../../../src/policy/families/named.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture, readJsonFixture } from '../reference-models.js';

interface Case {
  config: Record<string, unknown>;
  modules: Record<string, [rank: number, scale: number]>;
}

const model = await readModelConfig(fixture('models/grouped-tied'));
const modules = [...weightShapes({ ...model, tieWordEmbeddings: false })]
  .filter(([name, shape]) => name.endsWith('.weight') && shape.length > 1)
  .map(([name, shape]) => ({
    name: moduleName(name.slice(0, -'.weight'.length), 'nested'),
    isLinear: shape.length === 2 && !name.includes('embed_tokens'),
  }));
const defaults = {
  ...{ exclude_modules: [], modules_to_save: [], layers_to_transform: null, layers_pattern: [], target_parameters: [] },
  ...{ rank_pattern: {}, alpha_pattern: {}, use_rslora: false },
};
const list = (value: unknown) => (typeof value === 'number' ? [value] : value);

// What peft put an adapter on, and with which rank and scale (r 4, lora_alpha 8 where no pattern says otherwise).
it.each(await readJsonFixture<Case[]>('adapters/targets.json'))('$config', ({ config: given, modules: wanted }) => {
  const config = { ...defaults, ...given } as typeof defaults & { target_modules: string | string[] };
  const settings = { ...config, layers_to_transform: list(config.layers_to_transform) as number[] | null };
  const layers_pattern = [settings.layers_pattern].flat();
  const file = 'adapter_config.json';
  const found = targetedModules({ config: { ...settings, layers_pattern }, modules, file });
  const ranks = patternValues({ field: 'rank_pattern', patterns: config.rank_pattern, modules, file });
  const alphas = patternValues({ field: 'alpha_pattern', patterns: config.alpha_pattern, modules, file });
  const values = [...found].map((name) => {
    const r = ranks.get(name) ?? 4;
    return [name, [r, (alphas.get(name) ?? 8) / (config.use_rslora ? Math.sqrt(r) : r)]];
  });
  expect(Object.fromEntries(values)).toEqual(wanted);
});

it.each([
  ['(?P<layer>q_proj)', /target_modules: the pattern .* cannot be read/],
  ['\\Aq_proj', /cannot be read/],
  ['(.*a)*(.*b)*(.*c)*(.*d)*(.*e)*z', /target_modules: its patterns take longer than \d+ ms/],
])('a pattern that cannot be followed is refused: %s', (target_modules, message) => {
  const long = [{ name: `${'abcde'.repeat(40)}!`, isLinear: true }];
  const run = () => targetedModules({ config: { ...defaults, target_modules }, modules: long, file: 'a.json' });
  expect(run).toThrow(message);
  expect(run).toThrow(expect.objectContaining({ code: 'ADAPTER_UNSUPPORTED' }));
});
