import { createHash } from 'node:crypto';
import { VideoError } from '../system/errors.js';
import { openBudget, type VideoBounds } from './bounds.js';
import { checkFile } from './check-file.js';
import { fileIdentity } from './file-identity.js';
import type { Frames } from './frames.js';
import { resample } from './resample.js';
import { smartResize } from './smart-resize.js';

/** How pictures are sized, and what one may cost; names and defaults are those of the config's `data.image`. */
export interface PictureSettings extends Partial<Pick<VideoBounds, 'max_source_pixels'>> {
  /** Bounds of height · width, in pixels. */
  min_pixels: number;
  max_pixels: number;
}

export interface PictureRequest {
  /** Absolute path. */
  file: string;
  settings: PictureSettings;
  /** Sides are multiples of this: patch size · merge size of the model. */
  factor: number;
}

/** Formats of photographs and drawings; vector graphics and documents, which may ask for other files, are none. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']);

/** Raise when the pixels that come of the same request change. */
const KEY_VERSION = 1;

/**
 * Names what `loadPicture` would give, without reading the file.
 *
 * @returns 64 hexadecimal digits.
 * @throws VideoError `VIDEO_NOT_FOUND`.
 */
export async function pictureKey({ file, settings, factor }: PictureRequest): Promise<string> {
  const { min_pixels, max_pixels } = settings;
  const parts = ['picture', KEY_VERSION, ...(await fileIdentity(file)), min_pixels, max_pixels, factor];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * A picture as the model sees it, as a video's only frame: decoded and turned upright as PIL does (transparency dropped,
 * the first of several pictures), sized by `smartResize` with the bicubic of torch.
 *
 * @throws VideoError `VIDEO_NOT_FOUND`, `VIDEO_NOT_A_FILE`, `VIDEO_EMPTY`, `PICTURE_UNREADABLE`, `VIDEO_TOO_LARGE`,
 *   `VIDEO_ASPECT_RATIO`
 */
export async function loadPicture({ file, settings, factor }: PictureRequest): Promise<Frames> {
  await checkFile(file);
  const { data, height, width } = await decode({ file, limit: openBudget(settings).bounds.max_source_pixels });
  const size = sizeOf({ file, height, width, settings, factor });
  const pixels = resample({ data, height, width }, size);
  return { data: pixels, count: 1, ...size, times: [0], duration: 0, incomplete: false, warnings: [] };
}

async function decode({ file, limit }: { file: string; limit: number }) {
  const { default: sharp } = await import('sharp');
  // What is decoded is kept nowhere: a run reads many pictures, each once a step.
  sharp.cache(false);
  try {
    const picture = sharp(file, { limitInputPixels: false, ignoreIcc: true });
    const { format, width, height } = await picture.metadata();
    if (!FORMATS.has(format ?? '')) throw new Error(`${format} is no format of pictures that is read`);
    if (width * height > limit) throw tooLarge({ file, width, height, limit });
    const rgb = picture.autoOrient().removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await rgb.toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { data, height: info.height, width: info.width };
  } catch (cause) {
    if (cause instanceof VideoError) throw cause;
    const message = `${file} cannot be read as a picture (${(cause as Error).message}): fetch it anew, or leave it out.`;
    throw new VideoError({ code: 'PICTURE_UNREADABLE', message, cause });
  }
}

function tooLarge({ file, width, height, limit }: { file: string; width: number; height: number; limit: number }) {
  const message = `${file} is ${width}x${height}, more than ${limit} pixels (max_source_pixels): make it smaller, or leave it out.`;
  return new VideoError({ code: 'VIDEO_TOO_LARGE', message });
}

function sizeOf(args: { file: string; height: number; width: number; settings: PictureSettings; factor: number }) {
  const { file, height, width, settings, factor } = args;
  try {
    const { min_pixels: minPixels, max_pixels: maxPixels } = settings;
    return smartResize({ height, width, factor, minPixels, maxPixels });
  } catch (cause) {
    const message = `${file} is ${width}x${height}; one side may be at most 200 times the other: leave it out.`;
    throw new VideoError({ code: 'VIDEO_ASPECT_RATIO', message, cause });
  }
}
