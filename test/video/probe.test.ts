import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { probeVideo } from '../../src/video/probe.js';
import { clipFolder, ffmpeg } from './clips.js';

const folder = await clipFolder();
const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '2'];
const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4'];
const sound = ['-f', 'lavfi', '-i', 'sine=d=4'];

describe('a file that is cut off', () => {
  it.each([
    ['mp4', ['-c:a', 'aac', '-movflags', '+faststart'], 'its header tells 4 s, '],
    ['mov', ['-c:a', 'aac', '-movflags', '+faststart'], 'its header tells 4 s, '],
    ['mkv', ['-c:a', 'aac'], 'its header tells 4.02 s, '],
    ['flv', ['-c:a', 'aac'], 'its header tells 4.0'],
    ['avi', ['-c:a', 'mp3', '-c:v', 'mpeg4'], ''],
  ])('is told: .%s', async (extension, encoder, promise) => {
    const file = join(folder, `whole.${extension}`);
    await ffmpeg([...picture, ...sound, ...x264, ...encoder, file]);
    const whole = await probeVideo({ file });
    expect(whole.warnings).toEqual([]);
    expect(whole.duration).toBeCloseTo(4, 1);
    const { size } = await stat(file);
    // Wherever the download stopped, in a picture or in the sound between two.
    for (const part of [0.8, 0.7, 0.53, 0.41]) {
      await truncate(file, Math.floor(size * part));
      const { warnings, duration } = await probeVideo({ file });
      expect(duration).toBeLessThan(3.9);
      const there = `${Number(duration.toFixed(2))} s are there; fetch it anew.`;
      expect(warnings).toEqual([expect.stringContaining(`${file} is cut off: ${promise}`)]);
      expect(warnings[0]).toContain(there);
    }
  });

  it('is told where nothing can be read without its end', async () => {
    const file = join(folder, 'index-last.mp4');
    await ffmpeg([...picture, ...x264, file]);
    await truncate(file, Math.floor((await stat(file)).size / 2));
    const told = { code: 'VIDEO_UNREADABLE', message: expect.stringContaining(`${file} is cut off: its index`) };
    await expect(probeVideo({ file })).rejects.toMatchObject(told);
  });
});

it('is not cut off where the sound outlasts the picture', async () => {
  const file = join(folder, 'outlasting.mp4');
  await ffmpeg([...picture, '-f', 'lavfi', '-i', 'sine=d=7', ...x264, '-c:a', 'aac', file]);
  expect(await probeVideo({ file })).toMatchObject({ duration: 4, incomplete: false, warnings: [] });
});

describe('sound and picture', () => {
  const shifted = async (name: string, seconds: number): Promise<string[]> => {
    const file = join(folder, name);
    // Else ffmpeg fills the gap with pictures.
    const encoder = [...x264, '-fps_mode', 'passthrough', '-c:a', 'aac'];
    await ffmpeg(['-itsoffset', String(seconds), ...picture, ...sound, ...encoder, file]);
    const { warnings, duration, timeline } = await probeVideo({ file });
    expect(duration).toBeCloseTo(4, 1);
    expect(timeline.pts.length).toBe(100);
    return warnings;
  };

  it.each(['mp4', 'mkv', 'ts'])('that begins before the picture is told, with the shift: .%s', async (extension) => {
    const warnings = await shifted(`late.${extension}`, 1.5);
    expect(warnings).toEqual([expect.stringMatching(/late\.\w+: its sound begins 1\.\d+ s before its picture; /)]);
    const lead = Number(/begins ([\d.]+) s/.exec(warnings[0]!)![1]);
    expect(Math.abs(lead - 1.5)).toBeLessThan(0.1);
  });

  it.each(['mp4', 'mkv', 'ts'])('that begin together are not worth a word: .%s', async (extension) => {
    expect(await shifted(`together.${extension}`, 0)).toEqual([]);
  });
});
