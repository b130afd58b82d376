import path from 'node:path';
import type { ModelConfig } from '../../model-folder/model-config.js';
import { openSafetensors, toFloat32 } from '../../model-folder/safetensors.js';
import { ModelError } from '../../system/errors.js';
import { fileExists } from '../../system/file-exists.js';
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
  /** @throws ModelError `ADAPTER_NOT_FINITE`, `WEIGHTS_DTYPE` */
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
  const file = path.join(folder, ADAPTER_WEIGHTS);
  const old = path.join(folder, 'adapter_model.bin');
  if (!(await fileExists(file)) && (await fileExists(old))) {
    const message = `${old} is PyTorch's own format, and weights are read from safetensors only: load the adapter in peft and write it with save_pretrained.`;
    throw new ModelError({ code: 'WEIGHTS_MISSING', message });
  }
  const weights = await openSafetensors(file);
  try {
    const tensors = weights.entries;
    const stock = new TensorStock({ folder, tensors });
    const changes = changesOf({ folder, config, model, stock, style: styleOf(tensors.keys()) });
    const read: ReadTensor = async (stored) => {
      const values = toFloat32(await weights.readTensor(stored));
      if (values.every(Number.isFinite)) return values;
      throw stock.error('ADAPTER_NOT_FINITE', `is broken: ${stored} holds numbers that are not finite`);
    };
    return { folder, config, changes, read, close: () => weights.close() };
  } catch (error) {
    await weights.close();
    throw error;
  }
}
