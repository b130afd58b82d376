import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../config/schema.js';
import type { ModelConfig } from '../model-folder/model-config.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { ADAPTER_CONFIG } from '../policy/adapter/names.js';
import { readTrainable } from '../policy/adapter/trainable.js';
import { openProcessor } from '../policy/families/named.js';
import { readModelConfig } from '../policy/families/read-config.js';
import { loadModel } from '../policy/load.js';
import { addAdapters, type FactorValues, initialFactors, type LoraSettings } from '../policy/lora.js';
import { Policy } from '../policy/policy.js';
import { isVision } from '../policy/shapes.js';
import { FeatureCache } from '../policy/vision/feature-cache.js';
import type { Processor } from '../prompt/processor.js';
import { ModelError } from '../system/errors.js';
import { activeBackend } from '../tensor/active.js';
import { fastestType } from '../tensor/runtime.js';

/** Bytes of a frozen vision tower's outputs that are kept on the device. */
const FEATURE_BYTES = 2 ** 30;

/** The models of a run. */
export interface Models {
  policy: Policy;
  /** Null where nothing is measured against it. */
  reference: Policy | null;
  processor: Processor;
  /** Frees what is kept beyond its bounds; called between steps. */
  trim(): void;
  dispose(): void;
}

/** The config's `model`. */
interface ModelOptions {
  path: string;
  dtype: Config['model']['dtype'];
  freeze_vision: boolean;
  lora?: LoraSettings;
  /** Without `lora` it becomes part of the weights. */
  adapter?: string;
}

/** What of a config decides about its models. */
interface ModelsConfig {
  model: ModelOptions;
  seed: number;
}

/** Whether a run measures its policy against the model that it starts from. */
export const needsReference = ({ method, grpo }: Config): boolean => method === 'grpo' && grpo.beta > 0;

/** The type that a config's `model.dtype` means on this machine. */
export async function resolveType(dtype: ModelOptions['dtype']): Promise<'float32' | 'bfloat16'> {
  const backend = activeBackend();
  if (dtype === 'auto') return fastestType(backend);
  if (dtype === 'bfloat16' && !backend.supportsBfloat16) {
    const message = `model.dtype: bfloat16 needs TensorFlow, and this run is on ${backend.name}; take auto or float32`;
    throw new ModelError({ code: 'DTYPE_UNSUPPORTED', message });
  }
  return dtype;
}

/** Which weights of the base model are trained. */
export const trainsWeight =
  ({ lora, freeze_vision }: Pick<ModelOptions, 'lora' | 'freeze_vision'>) =>
  (name: string): boolean =>
    lora === undefined && !(freeze_vision && isVision(name));

/**
 * Loads the policy and, where it is wanted, the frozen reference.
 *
 * @param checkpoint folder to take the policy's trained weights from, instead of the start that the config names
 * @throws ModelError for files that are missing, damaged or do not fit
 */
export async function openModels(args: {
  config: ModelsConfig;
  withReference: boolean;
  checkpoint?: string;
}): Promise<Models> {
  const { config, withReference, checkpoint } = args;
  const model = { ...config.model, path: await modelFolder(config.model.path) };
  const type = await resolveType(model.dtype);
  if (checkpoint !== undefined) await checkKind({ checkpoint, lora: model.lora });
  const folder = model.lora === undefined ? (checkpoint ?? model.path) : model.path;
  const processor = await openProcessor({ folder: model.path, config: await readModelConfig(folder) });

  const merged = model.lora === undefined ? model.adapter : undefined;
  const base = await loadModel({ folder, adapter: merged, type, trains: trainsWeight(model) });
  if (model.lora !== undefined) {
    const stored = checkpoint ?? model.adapter;
    const values =
      stored === undefined
        ? initialFactors(config.seed)
        : await factorValues({ lora: model.lora, folder: stored, model: base.config });
    addAdapters({ ...base, lora: model.lora, values });
  }
  const features = model.freeze_vision ? new FeatureCache({ capacity: FEATURE_BYTES }) : null;
  const policy = new Policy({ ...base, features });

  const reference = withReference ? await openReference({ policy, model, type, features }) : null;
  return {
    policy,
    reference,
    processor,
    trim: () => features?.trim(),
    dispose: () => {
      features?.dispose();
      if (model.lora === undefined) reference?.parameters.dispose();
      base.parameters.dispose();
    },
  };
}

/** A checkpoint holds an adapter or a whole model: it must be what the config is about. */
async function checkKind({ checkpoint, lora }: { checkpoint: string; lora?: LoraSettings }): Promise<void> {
  const isAdapter = await access(path.join(checkpoint, ADAPTER_CONFIG)).then(
    () => true,
    () => false,
  );
  if (isAdapter === (lora !== undefined)) return;
  const message = isAdapter
    ? `${checkpoint} holds an adapter; give the config the model.lora that it was trained with`
    : `${checkpoint} holds a whole model; take model.lora out of the config, or name the checkpoint of an adapter`;
  throw new ModelError({ code: 'CHECKPOINT_KIND', message });
}

/** With adapters: the same weights, adapters off. Else a frozen copy of the start. */
async function openReference(args: {
  policy: Policy;
  model: ModelOptions;
  type: 'float32' | 'bfloat16';
  features: FeatureCache | null;
}): Promise<Policy> {
  const { policy, model, type, features } = args;
  if (model.lora !== undefined)
    return new Policy({ config: policy.config, parameters: policy.parameters.withoutAdapters(), features });
  return new Policy({ ...(await loadModel({ folder: model.path, type })), features });
}

/** Factors from a stored adapter, which must be of the shape that is trained. */
export async function factorValues(args: {
  lora: LoraSettings;
  folder: string;
  model: ModelConfig;
}): Promise<FactorValues> {
  const { lora, folder, model } = args;
  const found = await readTrainable({ folder, model });
  if ('beyond' in found) {
    const message = `the adapter in ${folder} cannot be trained further: ${found.beyond}. Merge it into the model (vau-rft merge) and train that.`;
    throw new ModelError({ code: 'ADAPTER_UNSUPPORTED', message });
  }
  const { r, lora_alpha, target_modules } = found.lora;
  const isSame =
    r === lora.r &&
    lora_alpha === lora.lora_alpha &&
    [...target_modules].sort().join() === [...lora.target_modules].sort().join();
  if (isSame) return found.values;
  const message = `the adapter in ${folder} has r ${r}, lora_alpha ${lora_alpha}, target_modules [${target_modules.join(', ')}]; give model.lora the same`;
  throw new ModelError({ code: 'ADAPTER_MISMATCH', message });
}
