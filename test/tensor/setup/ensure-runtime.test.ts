import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type AddonLocation, ensureRuntime, findAddon } from '../../../src/tensor/setup/index.js';
import { collected, emptyFolder, onlyThesePrograms } from './fakes.js';

// The addon's sources, which npm would bring: the compiler below does not read them.
vi.mock('../../../src/tensor/setup/binding-source.js', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../../src/tensor/setup/binding-source.js')>()),
  bindingSource: async ({ folder }: { folder: string }) => ({ folder, version: '4.22.0' }),
}));

let real: AddonLocation | null;
let python: string;
beforeAll(async () => {
  real = await findAddon();
  python = execFileSync('sh', ['-c', 'command -v python3 || command -v python || true'], { encoding: 'utf8' }).trim();
});

const emptyCache = (): string => {
  const folder = emptyFolder();
  vi.stubEnv('VAU_RFT_CACHE', folder);
  return join(folder, 'tensorflow');
};

/**
 * Stands for the network and the compiler: `pip download` writes a small wheel, and the compiler puts the addon and the
 * libraries of this machine's real cache in its place. Each call is counted in `calls`.
 */
const fakeTools = ({ has = ['2.20.0'] }: { has?: string[] } = {}) => {
  const tensorflow = JSON.stringify(dirname(real!.addonPath));
  const count = (name: string) => `fs.appendFileSync(__dirname + '/calls', '${name}\\n');`;
  const path = JSON.stringify(process.env.PATH);
  const folder = onlyThesePrograms({
    python3: `
      const { spawnSync } = require('node:child_process');
      const python = (...more) => spawnSync(${JSON.stringify(python)}, more, { stdio: 'inherit', env: { PATH: ${path} } });
      if (args[0] === '-c') process.exit(python(...args).status);
      if (args[2] !== 'download') process.exit(0);
      ${count('download')}
      const [, version] = args.at(-1).split('==');
      if (!${JSON.stringify(has)}.includes(version)) { console.error('ERROR: No matching distribution'); process.exit(1); }
      const wheel = args[args.indexOf('--dest') + 1] + '/tensorflow_cpu.whl';
      python('-c', 'import sys, zipfile\\nz = zipfile.ZipFile(sys.argv[1], "w")\\n' +
        'for n in sys.argv[2:]: z.writestr(n, n)\\nz.close()', wheel,
        'tensorflow/libtensorflow_cc.so.2', 'tensorflow/include/tensorflow/c/c_api.h', 'tensorflow/python/x.py');`,
    'c++': `
      if (args[0] === '--version') process.exit(0);
      ${count('compile')}
      const output = args[args.indexOf('-o') + 1];
      const folder = require('node:path').dirname(output);
      if (!fs.existsSync(folder + '/include/tensorflow/c/c_api.h')) process.exit(1);
      fs.rmSync(folder + '/libtensorflow_cc.so.2');
      for (const name of fs.readdirSync(${tensorflow}))
        if (name.startsWith('lib')) fs.symlinkSync(${tensorflow} + '/' + name, folder + '/' + name);
      fs.copyFileSync(${tensorflow} + '/tfjs_binding.node', output);`,
  });
  return () =>
    existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : [];
};

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('ensureRuntime', () => {
  it('says in one line why there is none', async () => {
    const cache = emptyCache();
    onlyThesePrograms({});
    const { lines, report } = collected();
    expect(await ensureRuntime({ report })).toBe(null);
    expect(lines).toEqual([expect.stringMatching(/^TensorFlow cannot be set up: Python 3 with pip .*python3-pip/)]);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('names the way out where the cache cannot be written', async () => {
    const file = join(emptyFolder(), 'file');
    writeFileSync(file, '');
    vi.stubEnv('VAU_RFT_CACHE', file);
    const { lines, report } = collected();
    expect(await ensureRuntime({ report })).toBe(null);
    expect(lines).toEqual([expect.stringContaining('set VAU_RFT_CACHE')]);
  });

  describe('with tools', () => {
    it('makes it once for all who ask at once, then never again, and leaves nothing else', async ({ skip }) => {
      if (real?.source !== 'cache' || python === '') return skip('TensorFlow is not set up');
      const cache = emptyCache();
      const calls = fakeTools();
      const { lines, report } = collected();
      const [first, second] = await Promise.all([ensureRuntime({ report }), ensureRuntime({ report })]);
      expect(first).toMatchObject({ source: 'cache', tensorflowVersion: real.tensorflowVersion });
      expect(second).toEqual(first);
      expect(calls()).toEqual(['download', 'compile']);
      expect(lines.at(-1)).toMatch(/is ready in/);
      expect(readdirSync(cache)).toHaveLength(1);
      expect(existsSync(join(dirname(first!.addonPath), 'include'))).toBe(false);

      expect(await ensureRuntime({ report: () => expect.unreachable() })).toEqual(first);
      expect(calls()).toHaveLength(2);
    });

    it('clears up after one that was killed, and replaces what is damaged', async ({ skip }) => {
      if (real?.source !== 'cache' || python === '') return skip('TensorFlow is not set up');
      const cache = emptyCache();
      const calls = fakeTools();
      mkdirSync(join(cache, 'work-killed', '2.20.0', 'tensorflow'), { recursive: true });
      // No process has this id: Linux ends at 2^22.
      writeFileSync(join(cache, 'lock'), JSON.stringify({ token: 'x', host: hostname(), pid: 2 ** 30 }));
      const made = await ensureRuntime({ report: () => {} });
      expect(readdirSync(cache)).toHaveLength(1);

      truncateSync(made!.addonPath, 1000);
      expect(await ensureRuntime({ report: () => {} })).toEqual(made);
      expect(calls()).toEqual(['download', 'compile', 'download', 'compile']);
      expect(readdirSync(cache)).toHaveLength(1);
    });

    it('takes another release where the index lacks the preferred one', async ({ skip }) => {
      if (real?.source !== 'cache' || python === '') return skip('TensorFlow is not set up');
      emptyCache();
      const calls = fakeTools({ has: ['2.21.0'] });
      const { lines, report } = collected();
      expect((await ensureRuntime({ report }))?.addonPath).toContain('tensorflow-2.21.0');
      expect(calls()).toEqual(['download', 'download', 'compile']);
      expect(lines.some((line) => line.includes('2.20.0 cannot be used'))).toBe(true);
    });
  });
});
