import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchBindingSource, nodeApiHeaders } from '../../../src/tensor/setup/binding-source.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

const tar = execFileSync('sh', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim();
const runTar = `require('node:child_process').execFileSync(${JSON.stringify(tar)}, args, { env: { PATH: '/usr/bin:/bin' } })`;

/** An `npm` whose `pack` of the package's version 4.22.0 gives an archive; and that archive's hash as npm writes it. */
const packing = (): { integrity: string } => {
  const source = emptyFolder();
  execFileSync('sh', ['-c', 'mkdir -p package/binding && echo code > package/binding/tfjs_binding.cc'], {
    cwd: source,
  });
  execFileSync(tar, ['-czf', 'p.tgz', 'package'], { cwd: source });
  const archive = join(source, 'p.tgz');
  onlyThesePrograms({
    npm: `if (args[0] !== 'pack' || args.at(-1) !== '@tensorflow/tfjs-node-gpu@4.22.0') process.exit(1);
          fs.copyFileSync(${JSON.stringify(archive)}, args[args.indexOf('--pack-destination') + 1] + '/p.tgz')`,
    tar: runTar,
  });
  return { integrity: `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}` };
};

describe('fetchBindingSource', () => {
  it('unpacks what npm packs, without an install', async () => {
    const { integrity } = packing();
    const { lines, report } = collected();
    const place = join(emptyFolder(), 'source');
    const release = { version: '4.22.0', integrity };
    const { folder, version } = await fetchBindingSource({ folder: place, report, release });
    expect(existsSync(join(folder, 'binding', 'tfjs_binding.cc'))).toBe(true);
    expect(version).toBe('4.22.0');
    expect(lines).toHaveLength(1);
  });

  it('unpacks nothing else than what was released', async () => {
    packing();
    const place = emptyFolder();
    const fetched = fetchBindingSource({ folder: place, report: () => {} });
    await expect(fetched).rejects.toMatchObject({ name: 'SetupError', code: 'BINDING_SOURCE_DAMAGED' });
    expect(existsSync(join(place, 'package'))).toBe(false);
  });

  it('names the remedy where npm fails', async () => {
    onlyThesePrograms({ npm: `console.error('npm error network timeout'); process.exit(1)` });
    const fetched = fetchBindingSource({ folder: emptyFolder(), report: () => {} });
    const error = {
      code: 'BINDING_SOURCE_MISSING',
      message: expect.stringMatching(/network timeout.*npm install .*--ignore-scripts .*gpu@4/),
    };
    await expect(fetched).rejects.toMatchObject(error);
  });
});

describe('nodeApiHeaders', () => {
  it('is the folder of node_api.h', () => {
    expect(existsSync(join(nodeApiHeaders(), 'node_api.h'))).toBe(true);
  });
});
