import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openSafetensors } from '../../../src/model-folder/safetensors.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../../src/policy/adapter/names.js';
import { planAdapter } from '../../../src/policy/adapter/plan.js';
import { adapterConfigText, peftTensors } from '../../../src/policy/adapter/write.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { adapterNames } from '../../../src/policy/parameters.js';
import { fixture } from '../reference-models.js';

const PEFT = fixture('adapter');
const lora = { r: 3, lora_alpha: 12, target_modules: ['down_proj', 'gate_proj', 'q_proj', 'v_proj'] };

it('the config has the settings of peft', async () => {
  const theirs = JSON.parse(await readFile(path.join(PEFT, ADAPTER_CONFIG), 'utf8')) as Record<string, unknown>;
  const ours = JSON.parse(adapterConfigText({ lora, freezesVision: true, baseModel: 'models/base' })) as Record<
    string,
    unknown
  >;
  const { base_model_name_or_path, exclude_modules, ...shared } = ours;
  expect([base_model_name_or_path, exclude_modules]).toEqual(['models/base', '.*visual.*']);
  expect(theirs).toMatchObject(shared);
});

it('the tensors have the names of peft', async () => {
  const model = await readModelConfig(fixture('models/grouped-tied'));
  const { layers } = planAdapter({ model, lora, freezesVision: true });
  const names = [...layers.keys()].flatMap((layer) => Object.values(adapterNames(layer)));
  const file = await openSafetensors(path.join(PEFT, ADAPTER_WEIGHTS));
  const tensors = names.map((name) => ({ name, shape: [], read: () => new Float32Array(1) }));
  expect(new Set(peftTensors(tensors).map(({ name }) => name))).toEqual(new Set(file.entries.keys()));
  await file.close();
});
