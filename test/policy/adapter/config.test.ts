import { expect, it } from 'vitest';
import { readAdapterConfig } from '../../../src/policy/adapter/config.js';
import { fixture } from '../reference-models.js';
import { adapterCopy } from './adapter-copy.js';

const read = async (config: object) => readAdapterConfig(await adapterCopy({ from: fixture('adapter'), config }));

it.each([
  ...['pissa', 'pissa_niter_4', 'olora', 'corda', 'loftq', 'lora_ga', 'some new start'].map((start) => ({
    config: { init_lora_weights: start },
    message: `init_lora_weights "${start}" changes the base model's weights before training`,
  })),
  { config: { use_qalora: true }, message: 'use_qalora: not supported' },
  { config: { alora_invocation_tokens: [1, 2] }, message: 'alora_invocation_tokens' },
  {
    config: { layer_replication: [[0, 2]], velora_config: { scale: 1 } },
    message: 'layer_replication, velora_config:',
  },
  { config: { kasa_config: { beta: 0.1 } }, message: 'kasa_config' },
  { config: { use_bdlora: { nblocks: 2 } }, message: 'use_bdlora' },
  { config: { megatron_config: { a: 1 } }, message: 'megatron_config' },
  { config: { a_field_of_next_year: 'on' }, message: 'a_field_of_next_year' },
  { config: { peft_type: 'IA3' }, message: 'peft_type IA3 is not supported' },
  { config: { peft_type: 'ADALORA', r: undefined }, message: 'peft_type ADALORA' },
])('$config is refused by its name', async ({ config, message }) => {
  const { message: found, code } = await read(config).catch((error) => error);
  expect(found).toContain(message);
  expect(found).toMatch(/adapter_config\.json.*merge_and_unload/);
  expect(code).toBe('ADAPTER_UNSUPPORTED');
});

it.each([true, false, 'gaussian', 'eva', 'orthogonal', 'mica'])(
  'a start from the model itself is fine: %j',
  async (start) => {
    expect((await read({ init_lora_weights: start })).init_lora_weights).toBe(start);
  },
);

it('fields that are off, and those that have no part in the weights, are passed over', async () => {
  const config = {
    use_qalora: false,
    layer_replication: null,
    a_field_of_next_year: {},
    another: [],
    lora_dropout: 0.5,
  };
  await expect(
    read({ ...config, eva_config: { rho: 2 }, auto_mapping: { parent_library: 'x' } }),
  ).resolves.toBeDefined();
});

it('a field of the wrong type is named', async () => {
  await expect(read({ rank_pattern: { q_proj: 'many' } })).rejects.toThrow(/rank_pattern\.q_proj/);
});
