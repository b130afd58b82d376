import path from 'node:path';
import type { Config } from '../config/schema.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../model-folder/safetensors.js';
import { saveAdapter, saveModel } from '../policy/save.js';
import { type Checkpoint, OPTIMIZER } from './checkpoint.js';
import type { StepContext } from './context.js';
import type { Models } from './models.js';
import type { AdamW } from './optimizer.js';
import { restoreReference, saveReference } from './reference.js';

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

/** Gives the engine the weights as they are now. */
export async function syncEngine({ engine, models, optimizer, config }: StepContext): Promise<void> {
  await engine.sync(optimizer.step, (folder) => savePolicy({ models, config, folder }));
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
