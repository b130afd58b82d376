import { describe, expect, it } from 'vitest';
import { type LoraSettings, planAdapter } from '../../../src/policy/adapter/plan.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture } from '../reference-models.js';

const tied = await readModelConfig(fixture('models/grouped-tied'));
const untied = await readModelConfig(fixture('models/flat-sharded'));
const gated = await readModelConfig(fixture('families/qwen2_5_vl/narrow-windows'));
const deep = await readModelConfig(fixture('families/qwen3_vl/one-deep-tied'));
const lora = (more: Partial<LoraSettings> & Pick<LoraSettings, 'target_modules'>) => ({
  r: 3,
  lora_alpha: 12,
  ...more,
});

const layersOf = (settings: LoraSettings, { model = tied, freezesVision = true } = {}): string[] => [
  ...planAdapter({ model, lora: settings, freezesVision }).layers.keys(),
];

it('names are those of all layers that end so, with the shapes of their factors', () => {
  const plan = planAdapter({ model: tied, lora: lora({ target_modules: ['q_proj', 'v_proj'] }), freezesVision: true });
  expect([...plan.layers]).toEqual(
    [0, 1].flatMap((i) => [
      [`model.layers.${i}.self_attn.q_proj`, { a: [3, 64], b: [64, 3], scale: 4 }],
      [`model.layers.${i}.self_attn.v_proj`, { a: [3, 64], b: [32, 3], scale: 4 }],
    ]),
  );
});

describe('the vision tower', () => {
  const settings = lora({ target_modules: ['gate_proj'] });

  it('is left alone where it is frozen, though it has layers of the same name', () => {
    expect(layersOf(settings, { model: gated })).toEqual([0, 1].map((i) => `model.layers.${i}.mlp.gate_proj`));
  });

  it('is adapted where it is not', () => {
    const found = layersOf(settings, { model: gated, freezesVision: false });
    expect(found.filter((name) => name.startsWith('visual.'))).toEqual(
      [0, 1, 2].map((i) => `visual.blocks.${i}.mlp.gate_proj`),
    );
    expect(layersOf(lora({ target_modules: ['merger.mlp.0', 'qkv'] }), { freezesVision: false })).toEqual([
      'visual.blocks.0.attn.qkv',
      'visual.merger.mlp.0',
    ]);
  });

  it('has a convolution, whose factors are kernels', () => {
    const plan = planAdapter({ model: tied, lora: lora({ target_modules: ['proj'] }), freezesVision: false });
    expect(plan.layers.get('visual.patch_embed.proj')).toEqual({ a: [3, 3, 2, 14, 14], b: [16, 3, 1, 1, 1], scale: 4 });
  });
});

it('all-linear is every linear layer but the output layer', () => {
  const names = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
  const ends = layersOf(lora({ target_modules: 'all-linear' }), { model: untied }).map(
    (name) => name.split('.').at(-1)!,
  );
  expect(new Set(ends)).toEqual(new Set(names));
  const all = layersOf(lora({ target_modules: 'all-linear' }), { model: deep, freezesVision: false });
  expect(all).toEqual(
    expect.arrayContaining(['visual.merger.linear_fc2', 'visual.deepstack_merger_list.0.linear_fc1']),
  );
  expect(all.filter((name) => /embed|lm_head|norm/.test(name))).toEqual([]);
});

it('patterns, ranks and scales of their own', () => {
  const settings = lora({
    target_modules: '.*layers\\.1\\..*(q|k|v)_proj',
    exclude_modules: ['k_proj'],
    rank_pattern: { v_proj: 4 },
    alpha_pattern: { 'self_attn.q_proj': 6 },
    use_rslora: true,
  });
  const { layers } = planAdapter({ model: tied, lora: settings, freezesVision: true });
  const seen = [...layers].map(([name, { a, scale }]) => [name.slice('model.layers.'.length), a[0], scale]);
  expect(seen).toEqual([
    ['1.self_attn.q_proj', 3, 6 / Math.sqrt(3)],
    ['1.self_attn.v_proj', 4, 12 / 2],
  ]);
});

it('modules_to_save are trained whole, and get no adapter', () => {
  const settings = lora({ target_modules: ['q_proj', 'mlp.0'], modules_to_save: ['lm_head', 'merger'] });
  const { layers, whole } = planAdapter({ model: untied, lora: settings, freezesVision: false });
  expect([...layers.keys()].every((name) => name.endsWith('q_proj'))).toBe(true);
  expect([...whole.keys()]).toEqual([
    'lm_head.weight',
    ...['ln_q.weight', 'ln_q.bias', 'mlp.0.weight', 'mlp.0.bias', 'mlp.2.weight', 'mlp.2.bias'].map(
      (name) => `visual.merger.${name}`,
    ),
  ]);
});

describe('refuses', () => {
  it.each([
    [{ target_modules: ['q_proj', 'query'] }, 'target_modules names query, and the model has no such layer'],
    [{ target_modules: ['q_proj', 'qkv'] }, 'qkv, a layer of the vision tower: set model.freeze_vision to false'],
    [{ target_modules: ['embed_tokens'] }, 'reaches model.language_model.embed_tokens, which gets no adapter here'],
    [{ target_modules: '.*nothing' }, 'target_modules fits no layer'],
    [
      { target_modules: ['q_proj'], modules_to_save: ['head'] },
      'modules_to_save names head, and the model has no such',
    ],
    [{ target_modules: ['q_proj'], modules_to_save: ['embed_tokens'] }, 'output layer is its embedding'],
    [{ target_modules: ['q_proj'], modules_to_save: ['merger'] }, 'merger, a part of the vision tower'],
  ])('%j', (settings, message) => {
    expect(() => layersOf(lora(settings))).toThrow(
      expect.objectContaining({ code: 'LORA_TARGETS', message: expect.stringContaining(message) }),
    );
  });
});
