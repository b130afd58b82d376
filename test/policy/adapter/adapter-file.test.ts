import { rename } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAdapter } from '../../../src/policy/adapter/adapter-file.js';
import { ADAPTER_WEIGHTS } from '../../../src/policy/adapter/names.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { fixture } from '../reference-models.js';
import { adapterCopy, renamed } from './adapter-copy.js';

const PEFT = fixture('adapter');
const model = await readModelConfig(fixture('models/grouped-tied'));

async function changes(folder: string) {
  const adapter = await openAdapter({ folder, model });
  await adapter.close();
  return adapter.changes;
}

const LAYER = 'base_model.model.model.language_model.layers.1.self_attn.q_proj';

describe('an adapter that peft wrote', () => {
  it('is a list of changes by weight', async () => {
    const found = await changes(PEFT);
    expect(found.size).toBe(8);
    expect(found.get('model.layers.1.self_attn.q_proj.weight')).toEqual({
      factors: { a: `${LAYER}.lora_A.weight`, b: `${LAYER}.lora_B.weight`, r: 3, scale: 4, isEmbedding: false },
    });
  });

  it('is read under the names of older transformers too, config included', async () => {
    const tensors = renamed((name) => name.replace('.language_model.', '.'));
    const target_modules = '^model\\.layers\\.\\d\\..*\\.(q_proj|v_proj|gate_proj|down_proj)';
    const older = await changes(await adapterCopy({ from: PEFT, tensors, config: { target_modules } }));
    expect([...older.keys()].sort()).toEqual([...(await changes(PEFT)).keys()].sort());
  });

  it('may leave out the patch embedding, whose name proj the attention has too', async () => {
    const tensors = (all: Parameters<NonNullable<Parameters<typeof adapterCopy>[0]['tensors']>>[0]) =>
      all.filter(({ name }) => !name.includes('patch_embed'));
    const found = await changes(await adapterCopy({ from: fixture('adapters/vision'), tensors }));
    expect(found.has('visual.blocks.0.attn.proj.weight')).toBe(true);
    expect(found.has('visual.patch_embed.proj.weight')).toBe(false);
  });
});

describe('what is refused, by its name', () => {
  it.each([
    {
      title: 'a tensor that is none of LoRA’s',
      copy: {
        tensors: renamed((name) => name.replace('1.self_attn.q_proj.lora_A.weight', '1.self_attn.q_proj.lora_diag')),
      },
      code: 'TENSOR_UNUSED',
      message: `${LAYER}.lora_diag`,
    },
    {
      title: 'a tensor that is named after the adapter',
      copy: { tensors: renamed((name) => name.replace('lora_A.weight', 'lora_A.default.weight')) },
      code: 'TENSOR_UNUSED',
      message: 'lora_A.default.weight',
    },
    {
      title: 'a tensor without peft’s prefix',
      copy: { tensors: renamed((name) => name.replace('base_model.', '')) },
      code: 'TENSOR_UNUSED',
      message: 'has a tensor model.model.language_model.layers.0.mlp.down_proj.lora_A.weight',
    },
    {
      title: 'factors on a layer that the config does not mean',
      copy: { config: { target_modules: ['v_proj', 'gate_proj', 'down_proj'] } },
      code: 'TENSOR_UNUSED',
      message: 'q_proj.lora_A.weight, and its config does not ask for it',
    },
    {
      title: 'lengths of DoRA that the config does not speak of',
      copy: { from: fixture('adapters/dora'), config: { use_dora: false } },
      code: 'TENSOR_UNUSED',
      message: 'lora_magnitude_vector, and its config does not ask for it',
    },
    {
      title: 'a layer that the model has not',
      copy: {
        tensors: renamed((name) => name.replace('layers.1.', 'layers.9.')),
        config: { layers_to_transform: [0] },
      },
      code: 'TENSOR_UNUSED',
      message: 'the model has no model.layers.9.mlp.down_proj.weight: check',
    },
    {
      title: 'one factor without the other',
      copy: { tensors: (all: { name: string }[]) => all.filter(({ name }) => name !== `${LAYER}.lora_B.weight`) },
      code: 'TENSOR_MISSING',
      message: `${LAYER}.lora_B.weight, which target_modules in its config asks for`,
    },
    {
      title: 'a layer left out that the config means',
      copy: { config: { target_modules: ['q_proj', 'v_proj', 'gate_proj', 'down_proj', 'o_proj'] } },
      code: 'TENSOR_MISSING',
      message: 'o_proj.lora_A.weight',
    },
    {
      title: 'a module that is to be whole and is not there',
      copy: { config: { modules_to_save: ['lm_head'] } },
      code: 'TENSOR_MISSING',
      message: 'base_model.model.lm_head.weight, which modules_to_save',
    },
    {
      title: 'a module to save that the model has not',
      copy: { config: { modules_to_save: ['classifier'] } },
      code: 'ADAPTER_MISMATCH',
      message: 'classifier in modules_to_save',
    },
    {
      title: 'biases that are to be there and are not',
      copy: { config: { bias: 'lora_only' } },
      code: 'TENSOR_MISSING',
      message: 'q_proj.bias, which bias in its config',
    },
    {
      title: 'another rank than the config’s',
      copy: { config: { rank_pattern: { 'layers.1.self_attn.q_proj': 4 } } },
      code: 'TENSOR_SHAPE',
      message: `${LAYER}.lora_A.weight is [3, 64], and the model needs [4, 64]`,
    },
    {
      title: 'an embedding of another vocabulary',
      copy: {
        from: fixture('adapters/saved-modules'),
        tensors: (all: { name: string; shape: readonly number[]; values: Float32Array }[]) =>
          all.map((t) => (t.name.includes('embed_tokens') ? { ...t, shape: [80, 128] } : t)),
      },
      code: 'TENSOR_SHAPE',
      message: 'embed_tokens.weight is [80, 128], and the model needs [160, 64]. Give the model its vocabulary of then',
    },
    {
      title: 'tokens past the vocabulary',
      copy: { from: fixture('adapters/tied-tokens'), config: { trainable_token_indices: [3, 160] } },
      code: 'ADAPTER_MISMATCH',
      message: '160, and the model’s vocabulary ends at 159'.replace('’', "'"),
    },
    {
      title: 'trained tokens of an embedding that is changed otherwise, as peft has it',
      copy: {
        from: fixture('adapters/embedding-parameter'),
        tensors: (all: { name: string; shape: readonly number[]; values: Float32Array }[]) => [
          ...all,
          {
            name: 'base_model.model.model.language_model.embed_tokens.token_adapter.trainable_tokens_delta',
            shape: [1, 64],
            values: new Float32Array(64),
          },
        ],
        config: { trainable_token_indices: [3] },
      },
      code: 'ADAPTER_UNSUPPORTED',
      message: 'trainable_token_indices of model.embed_tokens.weight beside another change of it',
    },
    {
      title: 'a bias on a layer that has none',
      copy: {
        tensors: renamed((name) => name.replace('down_proj.lora_A.weight', 'down_proj.lora_B.bias')),
        config: { lora_bias: true },
      },
      code: 'ADAPTER_UNSUPPORTED',
      message: 'layers.0.mlp.down_proj.lora_B.bias, to a layer that has none',
    },
  ])('$title', async ({ copy, code, message }) => {
    const folder = await adapterCopy({ from: PEFT, ...copy } as Parameters<typeof adapterCopy>[0]);
    const { message: found, ...error } = await changes(folder).catch((thrown) => thrown);
    expect(found).toContain(message);
    expect(found).toContain(folder);
    expect(error.code).toBe(code);
  });

  it('two names of one tensor', async () => {
    const folder = await adapterCopy({
      from: PEFT,
      tensors: (all) => [...all, ...renamed((name) => name.replace('.language_model.', '.'))(all)],
    });
    await expect(changes(folder)).rejects.toThrow(/has both .* two names of one tensor/);
  });
});

it('numbers that are not finite are refused where they are read, by the tensor', async () => {
  const folder = await adapterCopy({
    from: PEFT,
    tensors: (all) => all.map((t) => (t.name.startsWith(LAYER) ? { ...t, values: t.values.map(() => Number.NaN) } : t)),
  });
  const adapter = await openAdapter({ folder, model });
  await expect(adapter.read(`${LAYER}.lora_B.weight`)).rejects.toMatchObject({
    code: 'ADAPTER_NOT_FINITE',
    message: expect.stringContaining(`${LAYER}.lora_B.weight`),
  });
  await adapter.close();
});

it('an adapter in PyTorch’s own format is told as that', async () => {
  const folder = await adapterCopy({ from: PEFT });
  await rename(path.join(folder, ADAPTER_WEIGHTS), path.join(folder, 'adapter_model.bin'));
  await expect(openAdapter({ folder, model })).rejects.toThrow(/adapter_model\.bin is PyTorch's own format/);
});
