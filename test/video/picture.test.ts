import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadPicture, pictureKey } from '../../src/video/picture.js';
import { folderWith } from '../folder.js';
import { makeFrames } from '../prompt/fixtures.js';

const settings = { min_pixels: 784, max_pixels: 100_000 };
const { data } = makeFrames({ seed: 3, shape: [1, 56, 84] });
const raw = { width: 84, height: 56, channels: 3 as const };
const load = (file: string, more = {}) => loadPicture({ file, settings: { ...settings, ...more }, factor: 28 });

describe('a picture', () => {
  it('of the right size comes as it is', async () => {
    const file = join(await folderWith(), 'a.png');
    await sharp(data, { raw }).png().toFile(file);
    const frames = await load(file);
    expect({ ...frames, data: null }).toEqual({
      ...{ data: null, count: 1, height: 56, width: 84, times: [0], duration: 0, incomplete: false, warnings: [] },
    });
    expect(Buffer.compare(Buffer.from(frames.data), Buffer.from(data))).toBe(0);
  });

  it('is turned as its camera was held, grey becomes colour, transparency goes', async () => {
    const folder = await folderWith();
    const turned = join(folder, 'turned.jpg');
    await sharp(data, { raw }).jpeg().withMetadata({ orientation: 6 }).toFile(turned);
    expect(await load(turned)).toMatchObject({ height: 84, width: 56 });
    const grey = join(folder, 'grey.png');
    await sharp(data, { raw }).toColourspace('b-w').png().toFile(grey);
    const { data: [r, g, b] = [] } = await load(grey);
    expect([g, b]).toEqual([r, r]);
    const clear = join(folder, 'clear.png');
    await sharp(data, { raw }).ensureAlpha(0).png().toFile(clear);
    expect(Buffer.compare(Buffer.from((await load(clear)).data), Buffer.from(data))).toBe(0);
  });

  it('is named by its file and what is made of it', async () => {
    const file = join(await folderWith(), 'a.png');
    await sharp(data, { raw }).png().toFile(file);
    const key = (more = {}, factor = 28) => pictureKey({ file, settings: { ...settings, ...more }, factor });
    expect(await key()).toBe(await key());
    expect(new Set([await key(), await key({ max_pixels: 9000 }), await key({}, 32)]).size).toBe(3);
  });
});

describe('refuses', () => {
  it('what is no picture, or only the beginning of one', async () => {
    const folder = await folderWith({
      'a.png': 'nothing',
      'b.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    });
    const whole = await sharp(data, { raw }).jpeg().toBuffer();
    await writeFile(join(folder, 'cut.jpg'), whole.subarray(0, whole.length / 2));
    for (const name of ['a.png', 'b.svg', 'cut.jpg'])
      await expect(load(join(folder, name)), name).rejects.toMatchObject({
        code: 'PICTURE_UNREADABLE',
        message: expect.stringContaining(`${name} cannot be read as a picture`),
      });
    await expect(load(join(folder, 'gone.png'))).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
  });

  it('one that is larger than allowed, before it is decoded', async () => {
    const file = join(await folderWith(), 'a.png');
    await sharp(data, { raw }).png().toFile(file);
    await expect(load(file, { max_source_pixels: 4703 })).rejects.toMatchObject({ code: 'VIDEO_TOO_LARGE' });
    await expect(load(file, { max_source_pixels: 4704 })).resolves.toMatchObject({ count: 1 });
  });
});
