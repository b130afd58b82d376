import { copyFile, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TensorSource, writeSafetensors } from '../model-folder/safetensors.js';
import { downloadFloats } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from './adapter/names.js';
import { type LoraSettings, planAdapter } from './adapter/plan.js';
import { adapterConfigText, peftTensors } from './adapter/write.js';
import { checkpointName, weightShapes } from './families/named.js';
import { adapterNames, type Parameters } from './parameters.js';
import type { Policy } from './policy.js';

/** Weights are written in what they are kept in: trained ones as float32, so that a resumed run has the same bits. */
function source({ parameters, name, shape }: { parameters: Parameters; name: string; shape: number[] }): TensorSource {
  const isTrained = parameters.isTrainable(name);
  const dtype = !isTrained && parameters.get(name).dtype === 'bfloat16' ? 'BF16' : 'F32';
  return { name, shape, dtype, read: () => scope(() => downloadFloats(masterValue(parameters, name))) };
}

const masterValue = (parameters: Parameters, name: string): Tensor =>
  parameters.isTrainable(name) ? parameters.master(name) : parameters.get(name);

/** Writes `adapter_model.safetensors` and `adapter_config.json` into a folder, in peft's layout. */
export async function saveAdapter(args: {
  policy: Policy;
  lora: LoraSettings;
  freezesVision: boolean;
  baseModel: string;
  folder: string;
}): Promise<void> {
  const { policy, folder } = args;
  const { parameters, config } = policy;
  const plan = planAdapter({ ...args, model: config });
  const factors = [...plan.layers].flatMap(([layer, { a, b }]) => {
    const names = adapterNames(layer);
    return [source({ parameters, name: names.a, shape: a }), source({ parameters, name: names.b, shape: b })];
  });
  const whole = [...plan.whole].map(([name, shape]) => source({ parameters, name, shape }));
  const tensors = peftTensors([...factors, ...whole]);
  await writeSafetensors({ file: path.join(folder, ADAPTER_WEIGHTS), tensors });
  await writeFile(path.join(folder, ADAPTER_CONFIG), adapterConfigText(args));
}

/** Writes a whole model folder in Hugging Face layout: weights, and the other files of the folder that it came from. */
export async function saveModel(args: { policy: Policy; from: string; folder: string }): Promise<void> {
  const { policy, from, folder } = args;
  const { parameters, config } = policy;
  const tensors = [...weightShapes(config)].map(([name, shape]) => ({
    ...source({ parameters, name, shape }),
    name: checkpointName(config, name),
  }));
  await writeSafetensors({ file: path.join(folder, 'model.safetensors'), tensors });
  await copyModelFiles({ from, folder });
}

/**
 * Copies what a model folder holds beside its weights: configs, tokenizer, chat template. In the hub's cache these are
 * links; the copies are files.
 */
export async function copyModelFiles({ from, folder }: { from: string; folder: string }): Promise<void> {
  const names = await readdir(from);
  const kept = names.filter((name) => /\.(json|txt|jinja|model)$/.test(name) && !NOT_COPIED.test(name));
  for (const name of kept) {
    const file = path.join(from, name);
    const isFile = await stat(file).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (isFile) await copyFile(file, path.join(folder, name));
  }
}

/** The index of other weight files, and what a checkpoint of ours has of its own. */
const NOT_COPIED = /\.index\.json$|^(state|manifest|adapter_config)\.json$/;
