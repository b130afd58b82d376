import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AddonLocation, findAddon, probeAddon } from '../../../src/tensor/setup/index.js';
import { emptyFolder } from './fakes.js';

let addon: AddonLocation | null;
beforeAll(async () => {
  addon = await findAddon();
});

/** A module that stands for an addon: the child loads both by `require`. */
const fakeAddon = (body: string): string => {
  const path = join(emptyFolder(), 'addon.cjs');
  writeFileSync(path, body);
  return path;
};

describe('probeAddon', () => {
  it('multiplies with the real addon and measures bfloat16', async ({ skip }) => {
    if (addon === null) return skip('TensorFlow is not set up');
    const probe = await probeAddon({ addonPath: addon.addonPath, measure: true });
    expect(probe.tensorflowVersion).toBe(addon.tensorflowVersion);
    expect(probe.bfloat16?.float32).toBeGreaterThan(1);
    expect(probe.bfloat16?.bfloat16).toBeGreaterThan(0.1);
    expect(await probeAddon({ addonPath: addon.addonPath })).not.toHaveProperty('bfloat16');
  });

  it('survives an addon that crashes', async () => {
    const crash = { code: 'ADDON_BROKEN', message: expect.stringMatching(/killed by SIGSEGV/) };
    await expect(probeAddon({ addonPath: fakeAddon(`process.kill(process.pid, 'SIGSEGV')`) })).rejects.toMatchObject(
      crash,
    );
    const illegal = { code: 'ADDON_BROKEN', message: expect.stringMatching(/lacks instructions/) };
    await expect(probeAddon({ addonPath: fakeAddon(`process.kill(process.pid, 'SIGILL')`) })).rejects.toMatchObject(
      illegal,
    );
  });

  it('refuses a file that is no library, and one that multiplies wrongly', async () => {
    const text = join(emptyFolder(), 'tfjs_binding.node');
    writeFileSync(text, 'not a library');
    await expect(probeAddon({ addonPath: text })).rejects.toMatchObject({ code: 'ADDON_BROKEN' });
    const wrong = `module.exports = { executeOp: () => [{ id: 1 }], createTensor: () => 1, tensorDataSync: () => [63] }`;
    const error = { code: 'ADDON_BROKEN', message: expect.stringMatching(/a sum of 64 ones is 63/) };
    await expect(probeAddon({ addonPath: fakeAddon(wrong) })).rejects.toMatchObject(error);
  });
});
