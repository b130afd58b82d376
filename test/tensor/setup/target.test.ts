import { afterEach, describe, expect, it } from 'vitest';
import { manylinuxPlatforms, runtimeTarget } from '../../../src/tensor/setup/target.js';

const real = { platform: process.platform, arch: process.arch };
const pretend = (machine: { platform: string; arch: string }) => {
  for (const [key, value] of Object.entries(machine)) Object.defineProperty(process, key, { value });
};
afterEach(() => pretend(real));

describe('runtimeTarget', () => {
  it('takes the small CPU build where there is one, and the whole one for CUDA', () => {
    pretend({ platform: 'linux', arch: 'x64' });
    expect(runtimeTarget({ cuda: false }).distribution).toBe('tensorflow-cpu');
    expect(runtimeTarget({ cuda: true }).distribution).toBe('tensorflow');
    pretend({ platform: 'linux', arch: 'arm64' });
    expect(runtimeTarget({ cuda: false })).toMatchObject({ distribution: 'tensorflow', platform: 'linux-arm64' });
    expect(runtimeTarget({ cuda: false }).wheelPlatforms).toContain('manylinux_2_27_aarch64');
  });

  it('says what to do where there is no build', () => {
    pretend({ platform: 'win32', arch: 'x64' });
    expect(() => runtimeTarget({ cuda: false })).toThrow(/no TensorFlow build for win32-x64: .*WSL 2/);
    pretend({ platform: 'darwin', arch: 'arm64' });
    expect(() => runtimeTarget({ cuda: true })).toThrow(/no CUDA build of TensorFlow for darwin-arm64/);
  });
});

describe('manylinuxPlatforms', () => {
  it('lists the wheels that a glibc can run, and no newer ones', () => {
    expect(manylinuxPlatforms({ architecture: 'aarch64', glibcMinor: 19 })).toEqual([
      'manylinux_2_19_aarch64',
      'manylinux_2_18_aarch64',
      'manylinux_2_17_aarch64',
      'manylinux2014_aarch64',
    ]);
    expect(manylinuxPlatforms({ architecture: 'x86_64', glibcMinor: 12 })).toEqual([]);
  });
});
