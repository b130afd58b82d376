import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { loadFrames, videoKey } from '../../src/video/load-frames.js';
import { clipFolder, ffmpeg } from './clips.js';

const settings = { fps: 2, max_frames: 8, min_pixels: 784, max_pixels: 7056 };
let file: string;
beforeAll(async () => {
  file = join(await clipFolder(), 'whole.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=6', '-pix_fmt', 'yuv420p'];
  await ffmpeg([...source, '-g', '15', file]);
});

const load = (part?: { start: number; end?: number }) => loadFrames({ file, part, settings, factor: 28 });

it('a part of a video has the frames of the whole in its time, counted from its start', async () => {
  const part = await load({ start: 2, end: 4 });
  expect(part.duration).toBe(2);
  expect(part.times.map((time) => Number(time.toFixed(3)))).toEqual([0, 0.5, 1, 1.5]);
  // Those of the whole video that are shown at 2, 2.5, 3 and 3.5 s.
  const whole = await loadFrames({ file, settings: { ...settings, max_frames: 12 }, factor: 28 });
  expect(whole.times.map((time) => Number(time.toFixed(3)))).toEqual(Array.from({ length: 12 }, (_, i) => i / 2));
  const frame = part.data.length / part.count;
  expect(Buffer.compare(Buffer.from(part.data), Buffer.from(whole.data.subarray(4 * frame, 8 * frame)))).toBe(0);
});

it('without an end it goes to that of the file; between two frames it starts at the second', async () => {
  const { duration, times } = await load({ start: 4.05 });
  expect(duration).toBeCloseTo(1.95, 9);
  expect(times[0]).toBeCloseTo(0.05, 9);
  expect(times.at(-1)! + 4.05).toBeLessThan(6);
  expect((await load({ start: 5, end: 60 })).duration).toBeCloseTo(1, 9);
});

it('one that is not there is refused by its times', async () => {
  await expect(load({ start: 6, end: 7 })).rejects.toMatchObject({
    code: 'VIDEO_PART_EMPTY',
    message: expect.stringContaining('has no frame from 6 to 7 s: 6.00 s of it are there'),
  });
});

it('has a name of its own', async () => {
  const key = (part?: { start: number; end?: number }) => videoKey({ file, part, settings, factor: 28 });
  const keys = await Promise.all([key(), key({ start: 0 }), key({ start: 0, end: 3 }), key({ start: 1, end: 3 })]);
  expect(new Set(keys).size).toBe(4);
});
