import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFrameCache } from '../../src/video/frame-cache.js';
import type { Frames } from '../../src/video/frames.js';
import { clipFolder } from './clips.js';

const root = await clipFolder();
const fail = (line: string): void => {
  throw new Error(line);
};

const frames = (fill: number): Frames => ({
  data: new Uint8Array(2 * 10 * 20 * 3).fill(fill),
  count: 2,
  height: 10,
  width: 20,
  times: [0, 1 / 3],
  duration: 0.7,
  incomplete: true,
  warnings: ['cut off'],
});

describe('openFrameCache', () => {
  it('gives back what it was given, also to another process', async () => {
    const folder = join(root, 'plain');
    const cache = openFrameCache({ folder, report: fail });
    expect(await cache.get('a')).toBeNull();
    await cache.put('a', frames(7));
    expect(await openFrameCache({ folder, report: fail }).get('a')).toEqual(frames(7));
    expect(await readdir(folder)).toEqual(['a.frames']);
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['with a changed pixel', (bytes: Buffer) => bytes.fill(8, bytes.length - 1)],
    ['with a changed time', (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('0.7', '0.8'), 'latin1')],
    ['empty', () => Buffer.alloc(0)],
  ])('drops an entry that is %s', async (name, damage) => {
    const folder = join(root, name);
    const cache = openFrameCache({ folder, report: fail });
    await cache.put('a', frames(7));
    await writeFile(join(folder, 'a.frames'), damage(await readFile(join(folder, 'a.frames'))));
    expect(await cache.get('a')).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps within its bound; what was not used for longest leaves first', async () => {
    const folder = join(root, 'bounded');
    const one = openFrameCache({ folder, maxBytes: 5500, report: fail });
    for (const [age, key] of ['a', 'b', 'c'].entries()) {
      await one.put(key, frames(1));
      await utimes(join(folder, `${key}.frames`), new Date(), new Date(1e12 + age * 1e6));
    }
    await one.get('a');
    await one.put('d', frames(1));
    expect((await readdir(folder)).sort()).toEqual(['a.frames', 'c.frames', 'd.frames']);
  });

  it('says once when it cannot write, and goes on', async () => {
    const folder = join(root, 'blocked');
    await writeFile(folder, 'a file where the folder should be');
    const lines: string[] = [];
    const cache = openFrameCache({ folder, report: (line) => lines.push(line) });
    await cache.put('a', frames(1));
    await cache.put('b', frames(1));
    expect(await cache.get('a')).toBeNull();
    expect(lines).toEqual([expect.stringContaining(folder)]);
  });

  it('clears away what a killed process left', async () => {
    const folder = join(root, 'killed');
    await mkdir(folder);
    await writeFile(join(folder, 'x.partial'), 'x');
    await utimes(join(folder, 'x.partial'), new Date(), new Date(1e12));
    await openFrameCache({ folder, report: fail }).put('a', frames(1));
    expect(await readdir(folder)).toEqual(['a.frames']);
  });
});
