import type { Frames } from './frames.js';

const JPEG_QUALITY = 85;

/** A frame as the address of a JPEG picture that holds it (`data:image/jpeg;base64,…`). */
export async function pictureUrl({ data, height, width }: Frames, i: number): Promise<string> {
  const { default: sharp } = await import('sharp');
  const bytes = height * width * 3;
  const frame = data.subarray(i * bytes, (i + 1) * bytes);
  const jpeg = await sharp(frame, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}

/** All frames, in their order. */
export const pictureUrls = (frames: Frames): Promise<string[]> =>
  Promise.all(Array.from({ length: frames.count }, (_, i) => pictureUrl(frames, i)));
