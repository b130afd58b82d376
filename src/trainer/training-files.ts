import path from 'node:path';
import type { Config } from '../config/schema.js';
import { modelFolder } from '../model-folder/model-folder.js';
import { openSafetensors, toFloat32, writeSafetensors } from '../model-folder/safetensors.js';
import { saveAdapter, saveModel } from '../policy/save.js';
import { type Checkpoint, OPTIMIZER } from './checkpoint.js';
import type { StepContext } from './context.js';
import type { Models } from './models.js';
import type { AdamW } from './optimizer.js';

/** Writes the policy (an adapter, or a whole model folder) and the optimizer's moments into a checkpoint's folder. */
export async function saveTraining(args: {
  models: Models;
  optimizer: AdamW;
  config: Config;
  folder: string;
}): Promise<void> {
  const { models, optimizer, config, folder } = args;
  await savePolicy({ models, config, folder });
  await writeSafetensors({ file: path.join(folder, OPTIMIZER), tensors: optimizer.tensors() });
}

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

/** Puts back the moments of a checkpoint. */
export async function restoreOptimizer(args: { optimizer: AdamW; checkpoint: Checkpoint }): Promise<void> {
  const { optimizer, checkpoint } = args;
  const file = await openSafetensors(path.join(checkpoint.folder, OPTIMIZER));
  try {
    await optimizer.restore(checkpoint.state.optimizer_step, async (name) => toFloat32(await file.readTensor(name)));
  } finally {
    await file.close();
  }
}
