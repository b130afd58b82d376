/** Upper bounds of options: far above what is of use, and below what no memory holds or no number stands for. */
export const LIMITS = {
  /** No step, sample or token is counted further than this. */
  count: 2 ** 31 - 1,
  /** A factor, a weight, a rate. */
  factor: 1e6,
  r: 8192,
  fps: 1000,
  max_frames: 10_000,
  /** Of a frame as the model sees it: 8192 × 8192. */
  pixels: 2 ** 26,
  num_generations: 4096,
  max_completion_length: 131_072,
  prompts_per_step: 65_536,
  batch_size: 4096,
} as const;
