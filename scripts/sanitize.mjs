/**
 * Runs the tests of the native kernels on kernels that are built with GCC's address and undefined-behaviour sanitizers:
 * `node scripts/sanitize.mjs [FILES AND OPTIONS OF VITEST]`. A finding ends the tests' process, and they fail.
 *
 * It wants dist/ (`npm run sanitize` makes it), and keeps what it builds in .sanitize/.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const load = (name) => import(pathToFileURL(join(root, 'dist', 'tensor', 'setup', name)).href);
const { ensureRuntime } = await load('index.js');
const { buildKernels } = await load('build-kernels.js');

const addon = await ensureRuntime({ report: console.error });
if (addon?.source !== 'cache') throw new Error('no kernels can be built for this TensorFlow: see vau-rft doctor');
const folder = join(root, '.sanitize');
const output = join(folder, 'kernels.node');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
console.error('building the kernels with sanitizers');
const compiler = { name: 'g++', command: 'g++', args: [] };
const flags = ['-O1', '-g1', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
await buildKernels({ compiler, addon, folder, output, flags });

const library = (name) => execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
const files = ['test/tensor/kernels.test.ts', 'test/tensor/native-kernels.test.ts', 'test/tensor/isa'];
const wanted = process.argv.slice(2);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...(wanted.length === 0 ? files : wanted)], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    VAU_RFT_BACKEND: 'tensorflow',
    VAU_RFT_KERNELS: output,
    // The sanitizer wants to be first, and to find C++'s `throw` as it starts.
    LD_PRELOAD: `${library('libasan.so')} ${library('libstdc++.so.6')}`,
    ASAN_OPTIONS: 'detect_leaks=0,abort_on_error=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  },
});
process.exitCode = status ?? 1;
