import type { Grid } from './patches.js';

/** A video or a picture of a prompt, as the vision tower takes it. */
export interface Visual {
  kind: 'video' | 'image';
  /** `[t·h·w, channels · temporal · patch · patch]`: Hugging Face's `pixel_values_videos` or `pixel_values`. */
  patches: Float32Array;
  /** In patches, before merging: Hugging Face's `video_grid_thw` or `image_grid_thw`. */
  grid: Grid;
  /** Of a video's sampled frames, in seconds from its start; a picture has none. */
  times: readonly number[];
  /** Names what was read and its settings: equal keys mean equal patches (the frozen tower's output is kept under it). */
  key?: string;
}
