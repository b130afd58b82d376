import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vau-rft-bootstrap-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

/** Stands for all tools that npm installs: each notes its call; tsc also writes a program that notes its own. */
const NOTE = `const { appendFileSync } = require('node:fs'); const args = process.argv.slice(2);`;
const TSC = `${NOTE}
const { cpSync, readFileSync } = require('node:fs');
appendFileSync('calls', args.includes('--noEmit') ? 'tsc --noEmit\\n' : 'tsc\\n');
if (args.includes('--noEmit')) process.exit(0);
cpSync('src', args[args.indexOf('--outDir') + 1], { recursive: true });
if (readFileSync('src/cli/main.js', 'utf8').includes('type error')) process.exit(2);`;
const tool = (name: string) => `${NOTE} appendFileSync('calls', ['${name}', ...args].join(' ') + '\\n');`;

const module = (name: string) =>
  `import { appendFileSync } from 'node:fs'; appendFileSync('calls', ['${name}', ...process.argv.slice(2)].join(' ') + '\\n');`;

/** A clone: sources, no packages, no dist; and an `npm` whose `ci` installs the tools above. */
const clone = () => {
  copyFileSync(
    join(import.meta.dirname, '..', '..', 'scripts', 'bootstrap.mjs'),
    join(mkdirs('scripts'), 'bootstrap.mjs'),
  );
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) write(file, '{}');
  write(
    'src/cli/main.js',
    `${NOTE} appendFileSync('calls', ['main', ...args].join(' ') + '\\n'); process.exit(Number(args[1] ?? 0));`,
  );
  write(
    'src/tensor/setup/index.js',
    `exports.ensureRuntime = async ({ report }) => { report('tensorflow is there'); return {}; };
    exports.ensureKernels = async ({ report }) => report('kernels are there');`,
  );
  write('src/video/ffmpeg.js', `exports.ensureFfmpeg = async ({ report }) => report('ffmpeg is there');`);
  write('tools/typescript-7/bin/tsc', TSC);
  write('tools/@biomejs/biome/bin/biome', tool('biome'));
  write('tools/knip/bin/knip.js', tool('knip'));
  write('tools/dependency-cruiser/bin/dependency-cruise.mjs', module('depcruise'));
  write('tools/vitest/vitest.mjs', module('vitest'));
  write(
    'bin/npm',
    `#!${process.execPath}\n${tool('npm')}
    const { cpSync, rmSync, writeFileSync } = require('node:fs');
    rmSync('node_modules', { recursive: true, force: true }); cpSync('tools', 'node_modules', { recursive: true });
    writeFileSync('node_modules/.package-lock.json', '');`,
  );
  chmodSync(join(root, 'bin', 'npm'), 0o755);
};

const mkdirs = (path: string): string => {
  mkdirSync(join(root, path), { recursive: true });
  return join(root, path);
};

const INSTALL = 'npm ci --include=dev --no-audit --no-fund';

/** Runs the script and gives its exit code, what it said, and the calls that it made. */
const bootstrap = (...args: string[]) => {
  rmSync(join(root, 'calls'), { force: true });
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'bootstrap.mjs'), ...args], {
    encoding: 'utf8',
    env: { PATH: `${join(root, 'bin')}${delimiter}${process.env.PATH}` },
  });
  const calls = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : [];
  return { status, stderr, calls };
};

describe.skipIf(process.platform === 'win32')('scripts/bootstrap.mjs', () => {
  beforeEach(clone);

  it('installs, compiles and runs in a fresh clone; then only runs, and says nothing', () => {
    const first = bootstrap('quickstart', '--seed');
    expect(first.calls).toEqual([INSTALL, 'tsc', 'main quickstart --seed']);
    expect(first.stderr).toMatch(/installing packages .*done in [\d.]+ s.*compiling .*done in [\d.]+ s/s);
    const second = bootstrap('quickstart');
    expect(second).toEqual({ status: 0, stderr: '', calls: ['main quickstart'] });
  });

  it('compiles again when a source changes or goes, and keeps nothing of the old one', () => {
    write('src/old.js', '');
    bootstrap('doctor');
    expect(existsSync(join(root, 'dist', 'old.js'))).toBe(true);
    rmSync(join(root, 'src', 'old.js'));
    expect(bootstrap('doctor').calls).toEqual(['tsc', 'main doctor']);
    expect(existsSync(join(root, 'dist', 'old.js'))).toBe(false);
  });

  it('installs again when the lock file changes, but not after an npm install by hand', () => {
    bootstrap('doctor');
    write('package-lock.json', '{"changed": 1}');
    expect(bootstrap('doctor').calls).toEqual([INSTALL, 'tsc', 'main doctor']);
    write('package-lock.json', '{"changed": 2}');
    write('node_modules/.package-lock.json', '');
    expect(bootstrap('doctor').calls).toEqual(['tsc', 'main doctor']);
  });

  it('installs again after an install by hand that left the tools of development out', () => {
    bootstrap('doctor');
    rmSync(join(root, 'node_modules', 'typescript-7'), { recursive: true });
    write('package-lock.json', '{"changed": 1}');
    write('node_modules/.package-lock.json', '');
    expect(bootstrap('doctor').calls).toEqual([INSTALL, 'tsc', 'main doctor']);
  });

  it('keeps what was compiled when the sources do not compile', () => {
    bootstrap('doctor');
    const good = readFileSync(join(root, 'dist', 'cli', 'main.js'), 'utf8');
    write('src/cli/main.js', `${good} // type error`);
    expect(bootstrap('doctor')).toMatchObject({ status: 2, calls: ['tsc'] });
    expect(readFileSync(join(root, 'dist', 'cli', 'main.js'), 'utf8')).toBe(good);
    expect(readdirSync(root).filter((name) => name.startsWith('.dist'))).toEqual([]);
  });

  it('ends with the exit code of the command', () => {
    expect(bootstrap('doctor', '3').status).toBe(3);
    expect(bootstrap().status).toBe(2);
  });

  it('runs all checks for `test`, and gives the rest to vitest', () => {
    write('package.json', '{"type": "commonjs"}');
    const { status, stderr, calls } = bootstrap('test', 'test/video', '-t', 'x');
    expect(status).toBe(0);
    const lint = ['biome check', 'depcruise src bench scripts', 'knip'];
    expect(calls.slice(1)).toEqual(['tsc', 'tsc --noEmit', ...lint, 'vitest run test/video -t x']);
    expect(stderr).toMatch(/tensorflow is there\nkernels are there\nffmpeg is there/);
  });
});
