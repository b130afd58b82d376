import type { Frames } from './frames.js';

const JPEG_QUALITY = 85;

/** A frame as the address of a JPEG picture that holds it (`data:image/jpeg;base64,…`). */
export async function pictureUrl(frames: Frames, i: number): Promise<string> {
  const jpeg = await (await frameOf(frames, i)).jpeg({ quality: JPEG_QUALITY }).toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}

/** A frame as the address of a PNG picture, which has each pixel as it is. */
export async function losslessUrl(frames: Frames, i: number): Promise<string> {
  return `data:image/png;base64,${await losslessPicture(frames, i)}`;
}

/** All frames as the address of a video, in the way of vLLM: `data:video/jpeg;base64,` and pictures with commas between. */
export async function videoUrl(frames: Frames): Promise<string> {
  const pictures = Array.from({ length: frames.count }, (_, i) => losslessPicture(frames, i));
  return `data:video/jpeg;base64,${(await Promise.all(pictures)).join(',')}`;
}

async function losslessPicture(frames: Frames, i: number): Promise<string> {
  // Frames are sent once, and to a machine near by.
  return (await (await frameOf(frames, i)).png({ compressionLevel: 3 }).toBuffer()).toString('base64');
}

async function frameOf({ data, height, width }: Frames, i: number) {
  const { default: sharp } = await import('sharp');
  const bytes = height * width * 3;
  return sharp(data.subarray(i * bytes, (i + 1) * bytes), { raw: { width, height, channels: 3 } });
}

/** All frames, in their order. */
export const pictureUrls = (frames: Frames): Promise<string[]> =>
  Promise.all(Array.from({ length: frames.count }, (_, i) => pictureUrl(frames, i)));
