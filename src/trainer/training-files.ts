import path from 'node:path';
import type { Config } from '../config/schema.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../model-folder/safetensors.js';
import { barrier } from '../parallel/gather.js';
import type { ProcessGroup } from '../parallel/process-group.js';
import { saveAdapter, saveModel } from '../policy/save.js';
import { downloadFloats, upload } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';
import { type Checkpoint, OPTIMIZER } from './checkpoint.js';
import type { StepContext } from './context.js';
import type { Models } from './models.js';
import type { AdamW } from './optimizer.js';
import { replaceReference, restoreReference, saveReference } from './reference.js';

/**
 * Writes the policy (an adapter, or a whole model folder), the optimizer's moments and a reference that follows the policy
 * into a checkpoint's folder.
 */
export async function saveTraining(args: {
  models: Models;
  optimizer: AdamW;
  config: Config;
  folder: string;
}): Promise<void> {
  const { models, optimizer, config, folder } = args;
  await savePolicy({ models, config, folder });
  if (config.grpo.sync_ref_model) await saveReference({ ...trainedPair(models), folder });
  await writeSafetensors({ file: path.join(folder, OPTIMIZER), tensors: optimizer.tensors() });
}

const trainedPair = ({ policy, reference }: Models) => ({
  policy: policy.parameters,
  reference: reference!.parameters,
});

async function savePolicy(args: { models: Models; config: Config; folder: string }): Promise<void> {
  const { models, config, folder } = args;
  const { path: baseModel, lora, freeze_vision: freezesVision } = config.model;
  if (lora === undefined) await saveModel({ policy: models.policy, from: await modelFolder(baseModel), folder });
  else await saveAdapter({ policy: models.policy, lora, freezesVision, baseModel, folder });
}

/**
 * Gives the engine the weights as they are now, or leaves it those of some steps before (`sync_steps`).
 *
 * @param done steps whose updates the weights have
 */
export async function syncEngine(context: StepContext, done: number): Promise<void> {
  const { engine, models, config, group } = context;
  const options = config.rollout.engine;
  const every = options.name === 'local' ? 1 : options.sync_steps;
  const version = done - (done % every);
  if (group.rank === 0) await engine.sync(version, (folder) => savePolicy({ models, config, folder }));
  if (group.size === 1 || options.name === 'local') return;
  await barrier(group);
  if (group.rank > 0) await engine.sync(version, null);
}

/** All processes take what is trained, its moments, and a reference that has followed it, from the first one. */
export async function takeFromFirst(args: {
  group: ProcessGroup;
  models: Models;
  optimizer: AdamW;
  config: Config;
  optimizerStep: number;
}): Promise<void> {
  const { group, models, optimizer, config, optimizerStep } = args;
  if (group.size === 1) return;
  const { parameters } = models.policy;
  const first = async (read: () => Float32Array) => {
    const values = read();
    await group.broadcast(values);
    return values;
  };
  for (const name of parameters.trainableNames) {
    const values = await first(() => scope(() => downloadFloats(parameters.master(name))));
    parameters.update(name, (variable) => scope(() => variable.assign(upload(values, variable.shape))));
  }
  if (optimizerStep === 0) return;
  const moments = new Map(optimizer.tensors().map(({ name, read }) => [name, read]));
  await optimizer.restore(optimizerStep, (name) => first(moments.get(name)!));
  if (!config.grpo.sync_ref_model) return;
  const { reference } = trainedPair(models);
  for (const name of parameters.trainableNames)
    replaceReference(reference, name, await first(() => scope(() => downloadFloats(reference.get(name)))));
}

/** Puts back what a checkpoint has beside the policy: the moments, and a reference that has followed it. */
export async function restoreTraining(args: {
  models: Models;
  optimizer: AdamW;
  config: Config;
  checkpoint: Checkpoint;
}): Promise<void> {
  const { models, optimizer, config, checkpoint } = args;
  const { folder, state } = checkpoint;
  if (config.grpo.sync_ref_model) await restoreReference({ ...trainedPair(models), folder });
  const file = await openSafetensors(path.join(folder, OPTIMIZER));
  try {
    await optimizer.restore(state.optimizer_step, async (name) => toFloat32(await file.readTensor(name)));
  } finally {
    await file.close();
  }
}
