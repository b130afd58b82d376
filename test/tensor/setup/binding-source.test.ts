import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchBindingSource, nodeApiHeaders } from '../../../src/tensor/setup/binding-source.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

const tar = execFileSync('sh', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim();
const runTar = `require('node:child_process').execFileSync(${JSON.stringify(tar)}, args, { env: { PATH: '/usr/bin:/bin' } })`;

describe('fetchBindingSource', () => {
  it('unpacks what npm packs, without an install', async () => {
    const source = emptyFolder();
    execFileSync('sh', ['-c', 'mkdir -p package/binding && echo code > package/binding/tfjs_binding.cc'], {
      cwd: source,
    });
    execFileSync(tar, ['-czf', 'p.tgz', 'package'], { cwd: source });
    onlyThesePrograms({
      npm: `if (args[0] !== 'pack' || args.at(-1) !== '@tensorflow/tfjs-node-gpu@4.22.0') process.exit(1);
            fs.copyFileSync(${JSON.stringify(join(source, 'p.tgz'))}, args[args.indexOf('--pack-destination') + 1] + '/p.tgz')`,
      tar: runTar,
    });
    const { lines, report } = collected();
    const { folder, version } = await fetchBindingSource({ folder: join(emptyFolder(), 'source'), report });
    expect(existsSync(join(folder, 'binding', 'tfjs_binding.cc'))).toBe(true);
    expect(version).toBe('4.22.0');
    expect(lines).toHaveLength(1);
  });

  it('names the remedy where npm fails', async () => {
    onlyThesePrograms({ npm: `console.error('npm error network timeout'); process.exit(1)` });
    const fetched = fetchBindingSource({ folder: emptyFolder(), report: () => {} });
    const error = {
      code: 'BINDING_SOURCE_MISSING',
      message: expect.stringMatching(/network timeout.*npm install .*--ignore-scripts/),
    };
    await expect(fetched).rejects.toMatchObject(error);
  });
});

describe('nodeApiHeaders', () => {
  it('is the folder of node_api.h', () => {
    expect(existsSync(join(nodeApiHeaders(), 'node_api.h'))).toBe(true);
  });
});
