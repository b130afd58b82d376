import type { Visual } from '../../prompt/visual.js';
import { upload } from '../../tensor/ops.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Patches of one video or picture, in the processor's order; the name is that under which a frozen tower's output may be kept. */
export type TowerInput = Pick<Visual, 'patches' | 'grid' | 'key'>;

/** The patches of several of them, one after the other. `[Σ t·h·w, channels · temporal · patch · patch]` float32 */
export function uploadPatches(visuals: readonly TowerInput[]): Tensor {
  const only = visuals.length === 1 ? visuals[0]!.patches : null;
  const total = visuals.reduce((sum, { patches }) => sum + patches.length, 0);
  const all = only ?? new Float32Array(total);
  let at = 0;
  if (only === null)
    for (const { patches } of visuals) {
      all.set(patches, at);
      at += patches.length;
    }
  const count = visuals.reduce((sum, { grid: [t, h, w] }) => sum + t * h * w, 0);
  return upload(all, [count, total / count]);
}
