/**
 * Checks the kernels' work on vectors (native/kernels/work) against plain loops (test/native), without TensorFlow, on every
 * instruction set: those of this processor, and NEON on any machine with a cross compiler and qemu. Exit code 1 where a
 * number differs; what cannot be run here is told.
 *
 * It wants dist/ (`npm run check:isa` makes it).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pLimit from 'p-limit';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const load = (...parts) => import(pathToFileURL(join(root, 'dist', ...parts)).href);
const { FLAGS, vectorUnits } = await load('tensor', 'setup', 'build-kernels.js');
const { runTool, toolWorks } = await load('tensor', 'setup', 'tool.js');
const { usableCpus } = await load('system', 'cpus.js');

const limit = pLimit(usableCpus());
const kernels = join(root, 'native', 'kernels');
const checks = join(root, 'test', 'native');

/** Compiles the checks with all sets of an architecture into one program. */
const build = async ({ arch, compiler, link, folder }) => {
  const compile = (source, object, flags = []) =>
    limit(async () => {
      await runTool({ command: compiler, args: ['-c', ...FLAGS, ...flags, source, '-o', join(folder, object)] });
      return join(folder, object);
    });
  const work = vectorUnits(arch).map(({ object, source, flags }) => compile(join(kernels, source), object, flags));
  const names = readdirSync(checks).filter((name) => name.endsWith('.cc'));
  const rest = [join(kernels, 'isa.cc'), ...names.map((name) => join(checks, name))];
  const objects = await Promise.all([...work, ...rest.map((source, i) => compile(source, `check-${i}.o`))]);
  const program = join(folder, 'check');
  await runTool({ command: compiler, args: [...objects, ...link, '-o', program] });
  return program;
};

/** All sets of an architecture. @param emulator begins the command line @returns whether none differs */
const check = async ({ arch, compiler, link = [], emulator = [] }) => {
  const folder = mkdtempSync(join(tmpdir(), 'vau-rft-check-isa-'));
  try {
    const [command, ...args] = [...emulator, await build({ arch, compiler, link, folder })];
    const ends = vectorUnits(arch).map(({ name }) => {
      const env = { ...process.env, VAU_RFT_ISA: name };
      const { status, signal } = spawnSync(command, args, { stdio: 'inherit', env });
      if (signal !== null) console.log(`${name}: ended by ${signal}`);
      // 2: this processor does not have it, as the program has said.
      return status === 0 || status === 2;
    });
    return ends.every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** On any other machine than one of 64-bit ARM: the cross compiler and the emulator of Debian's packages. */
const checkArm = async () => {
  const compiler = 'aarch64-linux-gnu-g++';
  const emulators = ['qemu-aarch64', 'qemu-aarch64-static'];
  const works = await Promise.all([compiler, ...emulators].map((command) => toolWorks(command, ['--version'])));
  const emulator = emulators.find((_, i) => works[i + 1]);
  if (!works[0] || emulator === undefined) {
    console.log('neon: not run, for want of a cross compiler or qemu: apt install g++-aarch64-linux-gnu qemu-user');
    return true;
  }
  return check({ arch: 'arm64', compiler, link: ['-static'], emulator: [emulator] });
};

const here = await check({ arch: process.arch, compiler: 'c++' });
const arm = process.arch === 'arm64' || (await checkArm());
process.exitCode = here && arm ? 0 : 1;
