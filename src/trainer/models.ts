import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../config/schema.js';
import type { ModelConfig } from '../model-folder/model-config.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { toFloat32 } from '../model-folder/safetensors.js';
import { ADAPTER_CONFIG } from '../policy/adapter/names.js';
import { type AdapterPlan, type LoraSettings, planAdapter } from '../policy/adapter/plan.js';
import { planDifference, readTrainable } from '../policy/adapter/trainable.js';
import { openProcessor } from '../policy/families/named.js';
import { readModelConfig } from '../policy/families/read-config.js';
import { loadModel } from '../policy/load.js';
import { addAdapters, type FactorValues, initialFactors } from '../policy/lora.js';
import { openModel } from '../policy/open-model.js';
import { Policy } from '../policy/policy.js';
import { isVision } from '../policy/shapes.js';
import { FeatureCache } from '../policy/vision/feature-cache.js';
import { FeatureFiles } from '../policy/vision/feature-files.js';
import { towerDigest } from '../policy/vision/tower-digest.js';
import type { Processor } from '../prompt/processor.js';
import { cacheFolder } from '../system/cache-folder.js';
import { ModelError } from '../system/errors.js';
import { activeBackend } from '../tensor/active.js';
import { fastestType } from '../tensor/runtime.js';
import { mixIntoReference } from './reference.js';

/** Bytes of a frozen vision tower's outputs that are kept on the device. */
const FEATURE_BYTES = 2 ** 30;

/** The models of a run. */
export interface Models {
  policy: Policy;
  /** Null where nothing is measured against it. */
  reference: Policy | null;
  processor: Processor;
  /** Moves the reference, which must be a copy of its own, towards the policy. */
  followPolicy(alpha: number): void;
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

/** What `model.lora` means for a model; undefined without it. */
export const adapterPlan = ({ lora, freeze_vision }: ModelOptions, model: ModelConfig): AdapterPlan | undefined =>
  lora && planAdapter({ model, lora, freezesVision: freeze_vision });

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

/** Which weights of the base model are trained in the place of the model's own. */
export const trainsWeight =
  ({ hasAdapter, freeze_vision }: { hasAdapter: boolean; freeze_vision: boolean }) =>
  (name: string): boolean =>
    !hasAdapter && !(freeze_vision && isVision(name));

/**
 * Loads the policy and, where it is wanted, the frozen reference.
 *
 * @param checkpoint folder to take the policy's trained weights from, instead of the start that the config names
 * @param plan of the adapter that `model.adapter` holds, to keep it beside the weights where the config has no `lora`
 * @throws ModelError for files that are missing, damaged or do not fit
 */
export async function openModels(args: {
  config: ModelsConfig;
  withReference: boolean;
  checkpoint?: string;
  plan?: AdapterPlan;
}): Promise<Models> {
  const { config, withReference, checkpoint } = args;
  const model = { ...config.model, path: await modelFolder(config.model.path) };
  const type = await resolveType(model.dtype);
  if (checkpoint !== undefined) await checkKind({ checkpoint, lora: model.lora });
  const folder = model.lora === undefined ? (checkpoint ?? model.path) : model.path;
  const modelConfig = await readModelConfig(folder);
  const processor = await openProcessor({ folder: model.path, config: modelConfig });
  const plan = args.plan ?? adapterPlan(model, modelConfig);

  const merged = plan === undefined ? model.adapter : undefined;
  const trains = trainsWeight({ ...model, hasAdapter: plan !== undefined });
  const base = await loadModel({ folder, adapter: merged, type, trains });
  if (plan !== undefined) {
    const stored = checkpoint ?? model.adapter;
    const values =
      stored === undefined
        ? await startValues({ plan, folder, seed: config.seed })
        : await adapterValues({ plan, folder: stored, model: base.config });
    addAdapters({ ...base, plan, values });
  }
  const features = new FeatureCache({ capacity: FEATURE_BYTES });
  const trainsVision = base.parameters.trainableNames.some(isVision);
  const policy = new Policy({ ...base, features: trainsVision ? null : features });
  if (!trainsVision)
    features.keepIn(new FeatureFiles({ folder: path.join(cacheFolder(), 'features'), tower: towerDigest(policy) }));

  const reference = withReference ? await openReference({ policy, model, plan, type, features }) : null;
  return {
    policy,
    reference,
    processor,
    followPolicy: (alpha) => {
      mixIntoReference({ policy: policy.parameters, reference: reference!.parameters, alpha });
      // What the reference's own tower has seen.
      features.dispose();
    },
    trim: () => features.trim(),
    dispose: () => {
      features.dispose();
      if (plan === undefined) reference?.parameters.dispose();
      base.parameters.dispose();
    },
  };
}

/** peft's factors to start from, and the model's own values of what is trained whole. */
async function startValues(args: { plan: AdapterPlan; folder: string; seed: number }): Promise<FactorValues> {
  const { plan, folder, seed } = args;
  const factors = initialFactors(seed);
  if (plan.whole.size === 0) return factors;
  const whole = new Map<string, Float32Array>();
  const { weights } = await openModel({ folder });
  try {
    for (const name of plan.whole.keys()) whole.set(name, toFloat32(await weights.read(name)));
  } finally {
    await weights.close();
  }
  return (name, shape) => whole.get(name) ?? factors(name, shape);
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
  plan: AdapterPlan | undefined;
  type: 'float32' | 'bfloat16';
  features: FeatureCache;
}): Promise<Policy> {
  const { policy, model, plan, type, features } = args;
  if (plan !== undefined)
    return new Policy({ config: policy.config, parameters: policy.parameters.withoutAdapters(), features });
  return new Policy({ ...(await loadModel({ folder: model.path, type })), features });
}

/** What a stored adapter holds, which must be what is trained. */
export async function adapterValues(args: {
  plan: AdapterPlan;
  folder: string;
  model: ModelConfig;
}): Promise<FactorValues> {
  const { plan, folder, model } = args;
  const found = await readTrainable({ folder, model });
  if ('beyond' in found) {
    const message = `the adapter in ${folder} cannot be trained further: ${found.beyond}. Merge it into the model (vau-rft merge) and train that.`;
    throw new ModelError({ code: 'ADAPTER_UNSUPPORTED', message });
  }
  const difference = planDifference(found.plan, plan);
  if (difference === undefined) return found.values;
  const message = `the adapter in ${folder} is not of the shape that model.lora asks for: ${difference}; give model.lora the adapter's own settings (${ADAPTER_CONFIG})`;
  throw new ModelError({ code: 'ADAPTER_MISMATCH', message });
}
