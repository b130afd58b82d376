import { VIDEO_BOUNDS } from '../config/data-options.js';

/** What one video may cost; names and defaults are those of the config's `data.video`. */
export interface VideoBounds {
  /** Height · width of the file's own frames. */
  max_source_pixels: number;
  /** MiB of address space of one ffmpeg. */
  max_decode_memory_mib: number;
  /** Seconds that ffmpeg may work on a video, all of its processes together. */
  max_decode_seconds: number;
}

/** The bounds of one video, and what is left of its time. */
export interface Budget {
  readonly bounds: VideoBounds;
  secondsLeft: number;
}

/** @param bounds those left out are as by default. */
export const openBudget = (bounds: Partial<VideoBounds> = {}): Budget => {
  const { max_source_pixels, max_decode_memory_mib, max_decode_seconds } = { ...VIDEO_BOUNDS, ...bounds };
  return {
    bounds: { max_source_pixels, max_decode_memory_mib, max_decode_seconds },
    secondsLeft: max_decode_seconds,
  };
};
