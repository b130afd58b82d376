import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeSafetensors } from '../../../src/model-folder/safetensors.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../../src/policy/adapter/names.js';
import { peftTensors } from '../../../src/policy/adapter/write.js';
import { weightShapes } from '../../../src/policy/families/named.js';
import { readModelConfig } from '../../../src/policy/families/read-config.js';
import { textKey, uniform } from '../../../src/system/random.js';
import { folderWith } from '../../folder.js';

/** A LoRA adapter of random factors on the layers with these last names, wherever the model has them. */
export async function randomAdapter(args: {
  model: string;
  r: number;
  target_modules: string[];
  config?: object;
}): Promise<string> {
  const { model, r, target_modules, config } = args;
  const folder = await folderWith();
  const targeted = [...weightShapes(await readModelConfig(model))].filter(
    ([name, shape]) => shape.length === 2 && target_modules.includes(name.split('.').at(-2)!),
  );
  const tensors = targeted.flatMap(([weight, [out, width]]) => {
    const layer = weight.slice(0, -'.weight'.length);
    return [
      { name: `${layer}.lora_A.weight`, shape: [r, width!] },
      { name: `${layer}.lora_B.weight`, shape: [out!, r] },
    ];
  });
  const sources = tensors.map(({ name, shape }) => ({
    name,
    shape,
    read: () => Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => uniform(textKey(name), i) - 0.5),
  }));
  await writeSafetensors({ file: path.join(folder, ADAPTER_WEIGHTS), tensors: peftTensors(sources) });
  const text = JSON.stringify({ peft_type: 'LORA', r, lora_alpha: 2 * r, target_modules, ...config });
  await writeFile(path.join(folder, ADAPTER_CONFIG), text);
  return folder;
}
