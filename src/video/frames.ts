import type { VideoBounds } from './bounds.js';
import type { VideoNotes } from './notes.js';

/** How frames are chosen and sized, and what that may cost; the names and defaults are those of the config's `data.video`. */
export interface VideoSettings extends Partial<VideoBounds> {
  /** Frames a second to sample. */
  fps: number;
  max_frames: number;
  /** Bounds of height · width of a frame, in pixels. */
  min_pixels: number;
  max_pixels: number;
}

/** Decoded and resized frames. */
export interface Frames extends VideoNotes {
  /** `[count, height, width, 3]`, RGB, 0 … 255. */
  data: Uint8Array;
  count: number;
  height: number;
  width: number;
  /** True presentation time of each frame, in seconds from the start of the video. `[count]` */
  times: number[];
  /** Length of the video in seconds: to the end of its last picture that is there. */
  duration: number;
}
