import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeVideo } from '../../src/video/encode.js';
import { loadFrames } from '../../src/video/load-frames.js';
import { probeVideo } from '../../src/video/probe.js';
import { clipFolder } from './clips.js';

const folder = await clipFolder();
const [width, height, count] = [112, 84, 24];
const size = { width, height, fps: 8 };

/** Grey, brighter with each frame; the left half is reddish. */
const frames = new Uint8Array(count * height * width * 3);
for (let i = 0; i < frames.length; i += 1) {
  const frame = Math.floor(i / (height * width * 3));
  const isLeft = Math.floor(i / 3) % width < width / 2;
  frames[i] = 20 + frame * 9 - (isLeft && i % 3 !== 0 ? 20 : 0);
}

describe('encodeVideo', () => {
  it('writes an H.264 file whose frames come back', async () => {
    const file = join(folder, 'new', 'clip.mp4');
    await encodeVideo({ file, frames, ...size });
    expect(await probeVideo({ file })).toMatchObject({ codec: 'h264', width, height, duration: 3 });
    expect(await readdir(join(folder, 'new'))).toEqual(['clip.mp4']);
    const settings = { fps: 8, max_frames: 64, min_pixels: 28 * 28, max_pixels: width * height };
    const { data, ...rest } = await loadFrames({ file, settings, factor: 28 });
    expect(rest).toMatchObject({ count, height, width });
    const error = data.reduce((sum, value, i) => sum + Math.abs(value - frames[i]!), 0) / data.length;
    expect(error).toBeLessThan(2);
  });

  it('gives the same bytes again, however the frames are handed over', async () => {
    async function* chunks() {
      for (let start = 0; start < frames.length; start += 10_007) yield frames.subarray(start, start + 10_007);
    }
    await encodeVideo({ file: join(folder, 'a.mp4'), frames, ...size });
    await encodeVideo({ file: join(folder, 'b.mp4'), frames: chunks(), ...size });
    expect((await readFile(join(folder, 'a.mp4'))).equals(await readFile(join(folder, 'b.mp4')))).toBe(true);
  });

  it('says what cannot be written, and leaves nothing behind', async () => {
    const odd = encodeVideo({ file: join(folder, 'bad', 'odd.mp4'), frames, ...size, width: 111 });
    await expect(odd).rejects.toMatchObject({ code: 'VIDEO_ENCODE' });
    expect(await readdir(join(folder, 'bad'))).toEqual([]);
    async function* broken() {
      yield frames.subarray(0, 1000);
      throw new Error('the painter fell ill');
    }
    const file = join(folder, 'bad', 'broken.mp4');
    await expect(encodeVideo({ file, frames: broken(), ...size })).rejects.toThrow('the painter fell ill');
    expect(await readdir(join(folder, 'bad'))).toEqual([]);
  });
});
