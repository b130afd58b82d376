import path from 'node:path';
import { z } from 'zod';
import { readJsonIfPresent } from './json.js';

/** How frames become patches, as the model was trained. */
export interface VideoProcessorConfig {
  /** Pixels. */
  patchSize: number;
  /** Frames. */
  temporalPatchSize: number;
  /** This many patches, squared, become one token. */
  mergeSize: number;
  /** A pixel value v becomes (v · rescaleFactor − mean) / std, channel by channel. */
  rescaleFactor: number;
  imageMean: [number, number, number];
  imageStd: [number, number, number];
  /** Bounds of height · width of a frame, in pixels. */
  minPixels: number;
  maxPixels: number;
}

const size = z.number().int().positive();
const channels = z.tuple([z.number(), z.number(), z.number()]);
const edge = z.number().positive().nullish();

/** Defaults: those of Hugging Face's `Qwen2VLVideoProcessor` (mean and deviation are CLIP's). */
const settings = z.object({
  patch_size: size.default(14),
  temporal_patch_size: size.default(2),
  merge_size: size.default(2),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: channels.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: channels.default([0.26862954, 0.26130258, 0.27577711]),
  size: z.object({ shortest_edge: edge, longest_edge: edge, min_pixels: edge, max_pixels: edge }).nullish(),
  min_pixels: edge,
  max_pixels: edge,
});
const DEFAULT_MIN_PIXELS = 128 * 28 * 28;
const DEFAULT_MAX_PIXELS = 768 * 28 * 28;

/**
 * Reads a model folder's video settings where Hugging Face looks for them: `processor_config.json` (its
 * `video_processor`, since transformers 5), `video_preprocessor_config.json`, then the images'
 * `preprocessor_config.json`. Without any of them the defaults hold.
 *
 * @throws ModelError `MODEL_FILE_INVALID`
 */
export async function readVideoProcessorConfig(folder: string): Promise<VideoProcessorConfig> {
  const read = <T>(name: string, schema: z.ZodType<T>) => readJsonIfPresent({ file: path.join(folder, name), schema });
  const bundle = await read('processor_config.json', z.object({ video_processor: settings.optional() }));
  const json =
    bundle?.video_processor ??
    (await read('video_preprocessor_config.json', settings)) ??
    (await read('preprocessor_config.json', settings)) ??
    settings.parse({});
  return {
    patchSize: json.patch_size,
    temporalPatchSize: json.temporal_patch_size,
    mergeSize: json.merge_size,
    rescaleFactor: json.rescale_factor,
    imageMean: json.image_mean,
    imageStd: json.image_std,
    minPixels: json.min_pixels ?? json.size?.shortest_edge ?? json.size?.min_pixels ?? DEFAULT_MIN_PIXELS,
    maxPixels: json.max_pixels ?? json.size?.longest_edge ?? json.size?.max_pixels ?? DEFAULT_MAX_PIXELS,
  };
}
