import { copyFileSync, mkdirSync, statSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { damagedFile, readManifest, writeManifest } from '../../../src/tensor/setup/manifest.js';
import { emptyFolder } from './fakes.js';

const runtime = async () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'tensorflow'));
  const library = join(folder, 'tensorflow', 'libtensorflow_cc.so.2');
  const addonPath = join(folder, 'tensorflow', 'tfjs_binding.node');
  writeFileSync(library, 'a'.repeat(5000));
  writeFileSync(addonPath, 'b'.repeat(100));
  await writeManifest({ folder, tensorflowVersion: '2.21.0', addonPath });
  const manifest = (await readManifest(folder))!;
  const check = (thorough = false) => damagedFile({ folder, manifest, thorough });
  return { folder, library, addonPath, manifest, check };
};

/** Writes other bytes of the same length, and puts the time of change back. */
const rot = (file: string) => {
  const { atime, mtime, size } = statSync(file);
  writeFileSync(file, 'z'.repeat(size));
  utimesSync(file, atime, mtime);
};

describe('manifest', () => {
  it('records all files, and where the addon is', async () => {
    const { manifest, check } = await runtime();
    expect(manifest.tensorflowVersion).toBe('2.21.0');
    expect(manifest.addon).toBe(join('tensorflow', 'tfjs_binding.node'));
    expect(
      Object.values(manifest.files)
        .map(({ bytes }) => bytes)
        .sort(),
    ).toEqual([100, 5000]);
    expect(await check()).toBe(null);
    expect(await check(true)).toBe(null);
  });

  it('finds a truncated and a missing file', async () => {
    const { library, addonPath, check } = await runtime();
    truncateSync(library, 4000);
    expect(await check()).toBe(library);
    truncateSync(library, 0);
    expect(await check()).toBe(library);
    writeFileSync(library, 'a'.repeat(5000));
    unlinkSync(addonPath);
    expect(await check()).toBe(addonPath);
  });

  it('finds a lost end, even if the time of change is as it was', async () => {
    const { library, check } = await runtime();
    const { atime, mtime } = statSync(library);
    truncateSync(library, 4999);
    utimesSync(library, atime, mtime);
    expect(await check()).toBe(library);
  });

  it('finds other bytes of the same length', async () => {
    const { library, check } = await runtime();
    writeFileSync(library, `${'a'.repeat(4999)}b`);
    // Clocks of file systems tick every few milliseconds: two writes may get the same time.
    utimesSync(library, new Date(), new Date(Date.now() + 1000));
    expect(await check()).toBe(library);
  });

  it('finds what rotted unseen only when it is thorough', async () => {
    const { library, check } = await runtime();
    rot(library);
    expect(await check()).toBe(null);
    expect(await check(true)).toBe(library);
  });

  it('hashes a copied folder once, and trusts its times from then on', async () => {
    const { library, check, manifest } = await runtime();
    copyFileSync(library, `${library}.copy`);
    unlinkSync(library);
    copyFileSync(`${library}.copy`, library);
    utimesSync(library, 1, 1);
    expect(await check()).toBe(null);
    const [recorded] = Object.entries(manifest.files).filter(([name]) => name.endsWith('cc.so.2'));
    expect(Math.abs(statSync(library).mtimeMs - recorded![1].mtimeMs)).toBeLessThan(1);
  });

  it('takes a half-written one for none', async () => {
    const { folder } = await runtime();
    truncateSync(join(folder, 'manifest.json'), 50);
    expect(await readManifest(folder)).toBe(null);
    expect(await readManifest(join(folder, 'nothing'))).toBe(null);
  });

  it.each([
    '{}',
    'null',
    '{"files": {}}',
    '{"tensorflowVersion": "2.21.0", "addon": "a.node", "files": {"b": 3}}',
    '{"tensorflowVersion": "2.21.0", "addon": "a.node", "files": {}}',
  ])('takes %s for none', async (text) => {
    const { folder } = await runtime();
    writeFileSync(join(folder, 'manifest.json'), text);
    expect(await readManifest(folder)).toBe(null);
  });
});
