/** A prompt as the policy takes it: token ids, video patches, 3-D positions. */
export interface Prompt {
  /** `[P]`, with one `<|video_pad|>` for every merged patch. */
  tokenIds: Int32Array;
  /** `[t·h·w, channels·temporal_patch·patch·patch]`: Hugging Face's `pixel_values_videos`. Absent for text alone. */
  patches?: Float32Array;
  /** `[t, h, w]` in patches (before merging): Hugging Face's `video_grid_thw`. */
  grid?: [number, number, number];
  /** `[3, P]` row by row: temporal, height and width position of each token (M-RoPE). */
  positions: Int32Array;
  /** Position of the first completion token, on all three axes: one past the largest of `positions`. */
  nextPosition: number;
  /** Names the video and its settings: equal keys mean equal patches (the frozen tower's output is kept under it). */
  videoKey?: string;
  /** Seconds of each sampled frame, for people and for tests. */
  frameTimes?: number[];
}
