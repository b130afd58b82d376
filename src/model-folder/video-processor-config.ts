import path from 'node:path';
import { z } from 'zod';
import { readJsonIfPresent } from './json.js';

/** How frames become patches, as the model was trained. */
export interface VideoProcessorConfig {
  /** Where this was read, for messages. */
  source: string;
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

/** What a family's published models have. */
export interface VideoProcessorDefaults {
  patchSize: number;
  imageMean: [number, number, number];
  imageStd: [number, number, number];
}

/** Those of Hugging Face's `Qwen2VLVideoProcessor`: mean and deviation are CLIP's. */
export const CLIP_PROCESSOR: VideoProcessorDefaults = {
  patchSize: 14,
  imageMean: [0.48145466, 0.4578275, 0.40821073],
  imageStd: [0.26862954, 0.26130258, 0.27577711],
};

const size = z.number().int().positive();
const channels = <T extends z.ZodType>(value: T) => z.tuple([value, value, value]);
const edge = z.number().positive().nullish();

/** Farther from zero no processor of a model brings a pixel: those of Qwen2-VL end at ±3. */
const FARTHEST = 1000;

const settings = z
  .object({
    patch_size: size.optional(),
    temporal_patch_size: size.default(2),
    merge_size: size.default(2),
    do_resize: z.literal(true).nullish(),
    /** PIL's number for bicubic, which frames are resized with. */
    resample: z.literal(3, 'only bicubic (3) is supported').nullish(),
    do_center_crop: z.literal(false).nullish(),
    do_rescale: z.literal(true).default(true),
    do_normalize: z.literal(true).default(true),
    rescale_factor: z
      .number()
      .positive()
      .default(1 / 255),
    image_mean: channels(z.number()).optional(),
    image_std: channels(z.number().positive()).optional(),
    size: z.object({ shortest_edge: edge, longest_edge: edge, min_pixels: edge, max_pixels: edge }).nullish(),
    min_pixels: edge,
    max_pixels: edge,
  })
  .superRefine(({ rescale_factor, image_mean = [0, 0, 0], image_std = [1, 1, 1] }, context) => {
    const ends = [0, 255].flatMap((pixel) =>
      image_mean.map((mean, i) => (pixel * rescale_factor - mean) / image_std[i]!),
    );
    const farthest = Math.max(...ends.map(Math.abs));
    if (farthest <= FARTHEST) return;
    const message = `with these and rescale_factor a pixel becomes ${farthest}, as in no model`;
    context.addIssue({ code: 'custom', path: ['image_mean, image_std'], message });
  });
const DEFAULT_MIN_PIXELS = 128 * 28 * 28;
const DEFAULT_MAX_PIXELS = 768 * 28 * 28;

/**
 * Reads a model folder's settings of videos and of pictures where Hugging Face looks for them: `processor_config.json`
 * (since transformers 5), `video_preprocessor_config.json` for videos, `preprocessor_config.json`. Without any of them the
 * defaults hold.
 *
 * @throws ModelError `MODEL_FILE_INVALID`
 */
export async function readVisionProcessors({
  folder,
  defaults,
}: {
  folder: string;
  defaults: VideoProcessorDefaults;
}): Promise<Record<'video' | 'image', VideoProcessorConfig>> {
  const bundleFile = path.join(folder, 'processor_config.json');
  const bundle = await readJsonIfPresent({ file: bundleFile, schema: bundleSchema });
  const read = async (name: string) => {
    const file = path.join(folder, name);
    const json = await readJsonIfPresent({ file, schema: settings });
    return json && { source: file, json };
  };
  const ofImages = await read('preprocessor_config.json');
  const nothing = { source: `${folder} without a preprocessor_config.json`, json: settings.parse({}) };
  const inBundle = (json: Settings | undefined) => json && { source: bundleFile, json };
  const video =
    inBundle(bundle?.video_processor) ?? (await read('video_preprocessor_config.json')) ?? ofImages ?? nothing;
  const image = inBundle(bundle?.image_processor) ?? ofImages ?? video;
  return { video: configOf(video, defaults), image: configOf(image, defaults) };
}

type Settings = z.infer<typeof settings>;
const bundleSchema = z.object({ video_processor: settings.optional(), image_processor: settings.optional() });

const configOf = (
  { source, json }: { source: string; json: Settings },
  defaults: VideoProcessorDefaults,
): VideoProcessorConfig => ({
  source,
  patchSize: json.patch_size ?? defaults.patchSize,
  temporalPatchSize: json.temporal_patch_size,
  mergeSize: json.merge_size,
  rescaleFactor: json.rescale_factor,
  imageMean: json.image_mean ?? defaults.imageMean,
  imageStd: json.image_std ?? defaults.imageStd,
  minPixels: json.min_pixels ?? json.size?.shortest_edge ?? json.size?.min_pixels ?? DEFAULT_MIN_PIXELS,
  maxPixels: json.max_pixels ?? json.size?.longest_edge ?? json.size?.max_pixels ?? DEFAULT_MAX_PIXELS,
});
