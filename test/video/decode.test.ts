import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBudget } from '../../src/video/bounds.js';
import { decodeFrames } from '../../src/video/decode.js';
import { probeVideo } from '../../src/video/probe.js';
import type { Size } from '../../src/video/smart-resize.js';
import { clipFolder, ffmpeg } from './clips.js';

const folder = await clipFolder();

const firstFrame = async (file: string, size: Size): Promise<Uint8Array> => {
  const { timeline } = await probeVideo({ file });
  return (await decodeFrames({ file, budget: openBudget(), timeline, wanted: timeline.pts.slice(0, 1), size }))!;
};

describe('decodeFrames', () => {
  it('resizes as torchvision does', async () => {
    // Made by scripts/fixtures/resize_frames.py, of the same frame.
    const fixture = new URL('../fixtures/resize-frames.json', import.meta.url);
    const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: (Size & { rgb: string })[] };
    const [height, width] = [90, 130];
    const frame = new Uint8Array(height * width * 3);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const checks = ((Math.floor(x / 16) + Math.floor(y / 12)) % 2) * 200 + 20;
        frame.set(
          [Math.floor((x * 255) / (width - 1)), checks, (x * x * 3 + y * 7 + x * y) % 256],
          (y * width + x) * 3,
        );
      }
    }
    await writeFile(join(folder, 'frame.rgb'), frame);
    const file = join(folder, 'lossless.mkv');
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-i', join(folder, 'frame.rgb')];
    await ffmpeg([...raw, '-c:v', 'ffv1', '-pix_fmt', 'gbrp', file]);
    expect(cases).toHaveLength(3);
    for (const { rgb, ...size } of cases) {
      const pixels = await firstFrame(file, size);
      const expected = Buffer.from(rgb, 'base64');
      expect(pixels.length).toBe(expected.length);
      const differences = pixels.map((value, i) => Math.abs(value - expected[i]!));
      expect(differences.reduce((a, b) => a + b, 0) / differences.length).toBeLessThan(0.35);
      expect(Math.max(...differences)).toBeLessThan(20);
    }
  });

  it.each([
    ['BT.709', 'bt709', 'tv', ['-colorspace', 'bt709', '-color_range', 'tv']],
    ['BT.709 full range', 'bt709', 'pc', ['-colorspace', 'bt709', '-color_range', 'pc']],
    ['BT.601', 'bt601', 'tv', ['-colorspace', 'smpte170m', '-color_range', 'tv']],
    ['no colour space named', 'bt601', 'tv', []],
  ])('gives back the colour: %s', async (name, matrix, range, tags) => {
    const file = join(folder, `${name}.mp4`);
    const convert = `format=rgb24,scale=out_color_matrix=${matrix}:out_range=${range},format=yuv420p`;
    const source = ['-f', 'lavfi', '-i', 'color=0xC82850:s=64x64:d=0.1,format=rgb24', '-vf', convert];
    await ffmpeg([...source, '-c:v', 'libx264', '-qp', '1', ...tags, file]);
    const pixels = await firstFrame(file, { height: 28, width: 28 });
    for (const [i, value] of [200, 40, 80].entries()) {
      expect(Math.abs(pixels[28 * 14 * 3 + 14 * 3 + i]! - value)).toBeLessThanOrEqual(3);
    }
  });

  it('notices when the frames are not at the times that were told', async () => {
    const file = join(folder, 'plain.mp4');
    await ffmpeg(['-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', '-pix_fmt', 'yuv420p', file]);
    const { timeline } = await probeVideo({ file });
    const request = { file, budget: openBudget(), timeline, size: { height: 28, width: 28 } };
    const [first, second] = timeline.pts as [number, number];
    expect(await decodeFrames({ ...request, wanted: [first, second + 1] })).toBeNull();
    expect(await decodeFrames({ ...request, wanted: [first, second] })).toHaveLength(2 * 28 * 28 * 3);
  });
});
