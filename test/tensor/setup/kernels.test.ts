import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureKernels, kernelsPath } from '../../../src/tensor/setup/kernels.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

/** What a compiler is asked to write is written, with `text` in it; asked for its version, it writes nothing. */
const compiler = (text: string) =>
  `const o = args.indexOf('-o'); if (o >= 0) fs.writeFileSync(args[o + 1], ${JSON.stringify(text)});`;

describe.skipIf(process.platform !== 'linux')('ensureKernels', () => {
  let folder = '';
  let addon: Parameters<typeof ensureKernels>[0]['addon'];
  beforeEach(() => {
    const cache = emptyFolder();
    vi.stubEnv('VAU_RFT_CACHE', cache);
    vi.stubEnv('VAU_RFT_KERNELS', undefined);
    folder = join(cache, 'tensorflow', 'runtime');
    mkdirSync(folder, { recursive: true });
    const addonPath = join(folder, 'tfjs_binding.node');
    writeFileSync(addonPath, '');
    addon = { addonPath, tensorflowVersion: '2.20.0', source: 'cache', cuda: false };
  });

  it('gives those that were built for these sources, and compiles nothing', async () => {
    const file = await kernelsPath(addon);
    writeFileSync(file!, '');
    onlyThesePrograms({ 'g++': 'process.exit(1)' });
    const { lines, report } = collected();
    expect(await ensureKernels({ addon, report })).toBe(file);
    expect(lines).toEqual([]);
  });

  it('there are none for an addon that npm installed, nor where the user wants none', async () => {
    const { report } = collected();
    expect(await ensureKernels({ addon: { ...addon, source: 'package' }, report })).toBeNull();
    vi.stubEnv('VAU_RFT_KERNELS', 'portable');
    expect(await ensureKernels({ addon, report })).toBeNull();
  });

  it('those of the user are taken as they are, if they work', async () => {
    const file = join(folder, 'own.node');
    vi.stubEnv('VAU_RFT_KERNELS', file);
    expect(await kernelsPath(addon)).toBe(file);
    await expect(ensureKernels({ addon, ...collected() })).rejects.toMatchObject({ code: 'KERNELS_BROKEN' });
    expect(readdirSync(folder)).toEqual(['tfjs_binding.node']);
  });

  it.each([
    [
      'no compiler works',
      { 'g++': `console.error('error: no cc1plus'); process.exit(args[0] === '--version' ? 0 : 1)` },
    ],
    ['what was built does not load', { 'g++': compiler('not a library') }],
  ])('%s: says so, goes on without, and leaves nothing half made', async (_, programs) => {
    onlyThesePrograms(programs);
    const { lines, report } = collected();
    expect(await ensureKernels({ addon, report })).toBeNull();
    expect(lines.at(-1)).toMatch(/our own kernels cannot be built .*twice as long/);
    expect(readdirSync(folder)).toEqual(['tfjs_binding.node']);
    expect(readdirSync(join(folder, '..'))).toEqual(['runtime']);
  });
});
