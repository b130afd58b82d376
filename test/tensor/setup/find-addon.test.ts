import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { findAddon, runtimeFolder } from '../../../src/tensor/setup/find-addon.js';
import { writeManifest } from '../../../src/tensor/setup/manifest.js';
import { runtimeTarget } from '../../../src/tensor/setup/target.js';
import { emptyFolder } from './fakes.js';

const make = async ({ version, cuda = false }: { version: string; cuda?: boolean }): Promise<string> => {
  const folder = runtimeFolder(runtimeTarget({ cuda }), version);
  const addonPath = join(folder, 'tensorflow', 'tfjs_binding.node');
  mkdirSync(join(folder, 'tensorflow'), { recursive: true });
  writeFileSync(addonPath, 'no real addon');
  await writeManifest({ folder, tensorflowVersion: version, addonPath });
  return addonPath;
};

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('findAddon', () => {
  beforeEach(() => vi.stubEnv('VAU_RFT_CACHE', emptyFolder()));

  it('finds nothing in an empty cache', async () => {
    expect(await findAddon()).toBe(null);
  });

  it('prefers one release, and passes over damaged and unfinished ones', async () => {
    const second = await make({ version: '2.21.0' });
    const first = await make({ version: '2.20.0' });
    expect(await findAddon()).toEqual({ addonPath: first, tensorflowVersion: '2.20.0', source: 'cache', cuda: false });
    truncateSync(first, 3);
    expect((await findAddon())?.addonPath).toBe(second);
    rmSync(join(second, '..', '..', 'manifest.json'));
    expect(await findAddon()).toBe(null);
  });

  it('prefers the CUDA build that the user asked for', async () => {
    await make({ version: '2.21.0' });
    expect(await findAddon({ cuda: true })).toBe(null);
    const addonPath = await make({ version: '2.21.0', cuda: true });
    expect(await findAddon()).toMatchObject({ addonPath, cuda: true });
    expect(await findAddon({ cuda: true })).toMatchObject({ addonPath });
  });

  it('runs the addon only when it is thorough', async () => {
    await make({ version: '2.21.0' });
    expect(await findAddon()).not.toBe(null);
    expect(await findAddon({ thorough: true })).toBe(null);
  });
});
