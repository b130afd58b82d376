import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../src/system/package-file.js';

interface Package {
  hasInstallScript?: boolean;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const { packages } = JSON.parse(readFileSync(packageFile('package-lock.json'), 'utf8')) as {
  packages: Record<string, Package>;
};

describe('package-lock.json', () => {
  it('holds no package that runs a script when it is installed: such scripts fetch, and fail where they cannot', () => {
    const scripted = Object.keys(packages).filter((name) => packages[name]!.hasInstallScript);
    expect(scripted).toEqual([]);
  });

  it('leaves out what the set-up fetches better, and lets it be where a user has it', () => {
    const { peerDependencies, peerDependenciesMeta } = packages['']!;
    for (const name of ['@tensorflow/tfjs-node-gpu', 'ffmpeg-static']) {
      expect(peerDependencies).toHaveProperty([name]);
      expect(peerDependenciesMeta).toHaveProperty([name, 'optional'], true);
      expect(packages).not.toHaveProperty([`node_modules/${name}`]);
    }
  });
});
