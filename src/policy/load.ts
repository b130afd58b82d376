import type { ModelConfig } from '../model-folder/model-config.js';
import { type StoredTensor, toFloat32 } from '../model-folder/safetensors.js';
import { cast, upload, uploadBfloat16 } from '../tensor/ops.js';
import { scope, type Tensor } from '../tensor/tensor.js';
import { weightShapes } from './families/named.js';
import { openModel } from './open-model.js';
import { type ComputeType, Parameters } from './parameters.js';
import { deviceShape } from './shapes.js';

/** A model folder's weights on the device. */
export interface LoadedModel {
  config: ModelConfig;
  parameters: Parameters;
}

/**
 * Reads `config.json` and the weights of a folder in Hugging Face layout, one tensor at a time.
 *
 * @param adapter folder of an adapter that is added to the weights
 * @param trains names the weights that are trained (as float32 masters); the others are frozen in the compute type
 * @throws ModelError for a missing, damaged or misshapen file or tensor
 */
export async function loadModel(args: {
  folder: string;
  adapter?: string;
  type: ComputeType;
  trains?: (name: string) => boolean;
}): Promise<LoadedModel> {
  const { folder, adapter, type, trains = () => false } = args;
  const { config, weights } = await openModel({ folder, adapter });
  const parameters = new Parameters({ type });
  try {
    for (const [name, shape] of weightShapes(config)) {
      const stored = await weights.read(name);
      scope(() => {
        if (trains(name)) parameters.addTrainable(name, upload(toFloat32(stored), deviceShape(shape)));
        else parameters.addFrozen(name, frozenTensor({ stored, shape: deviceShape(shape), type }));
      });
    }
  } catch (error) {
    parameters.dispose();
    throw error;
  } finally {
    await weights.close();
  }
  return { config, parameters };
}

/** Matrices in the compute type, vectors (norms, biases) in float32. */
function frozenTensor({ stored, shape, type }: { stored: StoredTensor; shape: number[]; type: ComputeType }): Tensor {
  const isMatrix = shape.length > 1;
  if (isMatrix && type === 'bfloat16' && stored.dtype === 'BF16') return uploadBfloat16(stored.bytes, shape);
  const wide = upload(toFloat32(stored), shape);
  return isMatrix ? cast(wide, type) : wide;
}
