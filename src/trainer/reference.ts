import path from 'node:path';
import { openSafetensors, type TensorSource, toFloat32, writeSafetensors } from '../model-folder/safetensors.js';
import type { Parameters } from '../policy/parameters.js';
import { add, cast, downloadFloats, scale, upload } from '../tensor/ops.js';
import { scope } from '../tensor/tensor.js';

/** In a checkpoint: the weights of a reference that follows the policy. */
const REFERENCE = 'reference.safetensors';

interface Pair {
  policy: Parameters;
  /** A frozen copy of the same model. */
  reference: Parameters;
}

/** π_ref ← α π + (1 − α) π_ref, weight by weight (TR-DPO, Gorbatovski et al. 2024), as TRL's `sync_ref_model`. */
export function mixIntoReference({ policy, reference, alpha }: Pair & { alpha: number }): void {
  for (const name of policy.trainableNames)
    reference.replaceFrozen(name, (own) => {
      const mixed = add(scale(policy.master(name), alpha), scale(cast(own, 'float32'), 1 - alpha));
      return cast(mixed, own.dtype as 'float32' | 'bfloat16');
    });
}

/** Writes what `mixIntoReference` has made of the reference into a checkpoint's folder. */
export async function saveReference({ policy, reference, folder }: Pair & { folder: string }): Promise<void> {
  const tensors = policy.trainableNames.map((name): TensorSource => {
    const { shape, dtype } = reference.get(name);
    const read = () => scope(() => downloadFloats(reference.get(name)));
    return { name, shape: [...shape], dtype: dtype === 'bfloat16' ? 'BF16' : 'F32', read };
  });
  await writeSafetensors({ file: path.join(folder, REFERENCE), tensors });
}

/** Puts back what `saveReference` wrote. */
export async function restoreReference({ policy, reference, folder }: Pair & { folder: string }): Promise<void> {
  const file = await openSafetensors(path.join(folder, REFERENCE));
  try {
    for (const name of policy.trainableNames) replaceReference(reference, name, toFloat32(await file.readTensor(name)));
  } finally {
    await file.close();
  }
}

/** Gives a weight of the reference other values. */
export function replaceReference(reference: Parameters, name: string, values: Float32Array): void {
  reference.replaceFrozen(name, ({ shape, dtype }) => cast(upload(values, shape), dtype as 'float32' | 'bfloat16'));
}
