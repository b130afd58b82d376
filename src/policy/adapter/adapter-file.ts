import path from 'node:path';
import type { ModelConfig } from '../files/model-config.js';
import { openSafetensors, toFloat32 } from '../files/safetensors.js';
import type { ReadTensor } from './apply.js';
import type { Changes } from './change.js';
import { changesOf } from './changes.js';
import { type AdapterConfig, readAdapterConfig } from './config.js';
import { ADAPTER_WEIGHTS, styleOf } from './names.js';
import { TensorStock } from './tensor-stock.js';

/** A LoRA adapter in peft's layout, open: its tensors are read when they are asked for. */
export interface AdapterFile {
  folder: string;
  config: AdapterConfig;
  changes: Changes;
  read: ReadTensor;
  close(): Promise<void>;
}

/**
 * Opens an adapter and finds what each of its tensors does to a model.
 *
 * @throws ModelError for an adapter that is damaged, incomplete, of another model, or of a kind that cannot be followed:
 *   naming the field or the tensor
 */
export async function openAdapter(args: { folder: string; model: ModelConfig }): Promise<AdapterFile> {
  const { folder, model } = args;
  const config = await readAdapterConfig(folder);
  const weights = await openSafetensors(path.join(folder, ADAPTER_WEIGHTS));
  try {
    const tensors = weights.entries;
    const stock = new TensorStock({ folder, tensors });
    const changes = changesOf({ folder, config, model, stock, style: styleOf(tensors.keys()) });
    const read: ReadTensor = async (stored) => toFloat32(await weights.readTensor(stored));
    return { folder, config, changes, read, close: () => weights.close() };
  } catch (error) {
    await weights.close();
    throw error;
  }
}
