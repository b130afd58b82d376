import { upload } from '../../tensor/ops.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Grid } from './patch-positions.js';

/** Patches of one video, in the processor's order. */
export interface Video {
  /** `[t · h · w, channels · temporal · patch · patch]` */
  patches: Float32Array;
  grid: Grid;
}

/** The patches of several videos, one after the other. `[Σ t·h·w, channels · temporal · patch · patch]` float32 */
export function uploadPatches(videos: readonly Video[]): Tensor {
  const only = videos.length === 1 ? videos[0]!.patches : null;
  const total = videos.reduce((sum, { patches }) => sum + patches.length, 0);
  const all = only ?? new Float32Array(total);
  let at = 0;
  if (only === null)
    for (const { patches } of videos) {
      all.set(patches, at);
      at += patches.length;
    }
  const count = videos.reduce((sum, { grid: [t, h, w] }) => sum + t * h * w, 0);
  return upload(all, [count, total / count]);
}
