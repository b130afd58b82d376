import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadSamples } from '../../src/dataset/load.js';
import { CLIP_CLASSES } from '../../src/synthesize/classes.js';
import { planClip } from '../../src/synthesize/plan.js';
import { CLIP_FPS, renderClip } from '../../src/synthesize/render.js';
import { type SynthesizeOptions, synthesize } from '../../src/synthesize/synthesize.js';
import { UsageError } from '../../src/system/errors.js';
import { ensureFfmpeg } from '../../src/video/ffmpeg.js';
import { loadFrames } from '../../src/video/load-frames.js';
import { folderWith } from '../folder.js';

const settings = { seed: 7, size: 84, seconds: [6, 8], splits: { train: 9, test: 3 } } as const;
const classes = CLIP_CLASSES.map(({ name }) => name);

beforeAll(() => ensureFfmpeg({ report: () => {} }), 120_000);

describe('synthesize', () => {
  it('makes clips that load for every task, with none left out', async () => {
    const folder = join(await folderWith(), 'set');
    const progress: number[] = [];
    const set = await synthesize({ folder, ...settings, onProgress: ({ done }) => progress.push(done) });
    expect(set).toMatchObject({ made: 12, kept: 0 });
    expect(progress.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));

    const { samples, leftOut } = await loadSamples({
      source: 'jsonl',
      annotations: set.annotations.train!,
      videos: set.videos,
      classes,
    });
    expect(leftOut).toEqual([]);
    expect(samples.map(({ task }) => task)).toEqual(Array.from({ length: 9 }, () => ['qa', 'tag', 'cls']).flat());
    const about = JSON.parse(await readFile(join(folder, 'dataset.json'), 'utf8'));
    expect(about.splits.train.clips).toBe(9);
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('seed 7');
  });

  it('writes H.264 that keeps what was drawn', async () => {
    const folder = join(await folderWith(), 'set');
    const set = await synthesize({ folder, ...settings, splits: { train: 3 } });
    for (let index = 0; index < 3; index++) {
      const plan = planClip({ ...settings, split: 'train' }, index);
      const frames = await loadFrames({
        factor: 28,
        file: join(set.videos, `${plan.id}.mp4`),
        settings: { fps: 1, max_frames: 8, min_pixels: 84 * 84, max_pixels: 84 * 84 },
      });
      expect(frames.times).toEqual(Array.from({ length: plan.seconds }, (_, t) => t));
      const drawn = renderClip(plan);
      const bytes = 84 * 84 * 3;
      let error = 0;
      for (let i = 0; i < frames.data.length; i++) {
        const t = Math.floor(i / bytes);
        error += Math.abs(frames.data[i]! - drawn[t * CLIP_FPS * bytes + (i % bytes)]!);
      }
      expect(error / frames.data.length).toBeLessThan(8);
    }
  });

  it('makes nothing anew, and only what is missing of a set that was cut short', async () => {
    const folder = join(await folderWith(), 'set');
    const { videos, annotations } = await synthesize({ folder, ...settings });
    const text = await readFile(annotations.train!, 'utf8');
    const old = new Date(1_000_000);
    for (const name of await readdir(videos)) await utimes(join(videos, name), old, old);
    expect(await synthesize({ folder, ...settings })).toMatchObject({ made: 0, kept: 12 });

    // As a kill leaves it: a clip not made, one begun, one that lost its content, no annotations.
    await rm(join(videos, 'train-00004.mp4'));
    await writeFile(join(videos, '.train-00004.mp4.1.partial'), 'half');
    await writeFile(join(videos, 'test-00001.mp4'), '');
    await rm(annotations.train!);
    expect(await synthesize({ folder, ...settings })).toMatchObject({ made: 2, kept: 10 });
    const times = await Promise.all(
      (await readdir(videos)).map(async (name) => (await stat(join(videos, name))).mtimeMs),
    );
    expect(times.filter((time) => time === old.getTime())).toHaveLength(10);
    expect(times).toHaveLength(12);
    expect(await readFile(annotations.train!, 'utf8')).toBe(text);
  });

  it('stops between clips when asked to, and leaves no annotations', async () => {
    const folder = join(await folderWith(), 'set');
    const stop = new AbortController();
    const run = synthesize({ folder, ...settings, onProgress: () => stop.abort(), signal: stop.signal });
    await expect(run).rejects.toThrow();
    expect(await readdir(folder)).not.toContain('train.jsonl');
    expect(await synthesize({ folder, ...settings })).toMatchObject({ made: expect.any(Number) });
    expect(await readdir(folder)).toContain('train.jsonl');
  });

  it('does not touch a folder that holds another set, or something else', async () => {
    const folder = await folderWith();
    await synthesize({ folder: join(folder, 'set'), ...settings, splits: { train: 1 } });
    const again = synthesize({ folder: join(folder, 'set'), ...settings, splits: { train: 2 } });
    await expect(again).rejects.toThrow(/other settings/);
    await mkdir(join(folder, 'mine'));
    await writeFile(join(folder, 'mine', 'thesis.txt'), 'text');
    await expect(synthesize({ folder: join(folder, 'mine'), ...settings })).rejects.toThrow(/not empty/);
  });

  it.each<Partial<SynthesizeOptions>>([
    { size: 83 },
    { size: 20 },
    { seed: -1 },
    { seconds: [8, 6] },
    { seconds: [1, 6] },
    { splits: { train: 0 } },
    { splits: { '../x': 3 } },
  ])('refuses %j', async (wrong) => {
    const folder = join(await folderWith(), 'set');
    await expect(synthesize({ folder, ...settings, ...wrong })).rejects.toThrow(UsageError);
  });
});
