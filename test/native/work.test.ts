/**
 * The kernels' work on vectors (native/kernels/work) against plain loops, without TensorFlow, on every instruction set:
 * those of this processor, and NEON on any machine with Debian's cross compiler and qemu
 * (`apt install g++-aarch64-linux-gnu qemu-user`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usableCpus } from '../../src/system/cpus.js';
import { packageFile } from '../../src/system/package-file.js';
import { runTool, toolWorks } from '../../src/system/tool.js';
import { FLAGS, vectorUnits } from '../../src/tensor/setup/build-kernels.js';
import { localCompilers } from '../../src/tensor/setup/compile.js';

/** A kind of processor, how to compile for it, and what its programs run on. */
interface Machine {
  arch: string;
  compiler: string[];
  link?: string[];
  emulator?: string;
}

const firstThatWorks = async (commands: string[]): Promise<string | undefined> => {
  const works = await Promise.all(commands.map((command) => toolWorks(command, ['--version'])));
  return commands.find((_, i) => works[i]);
};

const machines: Machine[] = [];
const [own] = await localCompilers();
if (own) machines.push({ arch: process.arch, compiler: [own.command, ...own.args] });
const cross = await firstThatWorks(['aarch64-linux-gnu-g++']);
const emulator = await firstThatWorks(['qemu-aarch64', 'qemu-aarch64-static']);
if (process.arch !== 'arm64' && cross && emulator)
  machines.push({ arch: 'arm64', compiler: [cross], link: ['-static'], emulator });

/** Compiles the checks with all sets of an architecture into one program; `instruction_set()` takes one of them. */
async function build({ arch, compiler, link = [] }: Machine, folder: string): Promise<string> {
  const [command = '', ...first] = compiler;
  const call = (args: string[]) => runTool({ command, args: [...first, ...args] });
  const limit = pLimit(usableCpus());
  const compile = (source: string, object: string, flags: readonly string[] = []) =>
    limit(async () => {
      await call(['-c', ...FLAGS, ...flags, source, '-o', join(folder, object)]);
      return join(folder, object);
    });
  const kernels = packageFile('native/kernels');
  const checks = packageFile('test/native');
  const work = vectorUnits(arch).map(({ source, object, flags }) => compile(join(kernels, source), object, flags));
  const names = (await readdir(checks)).filter((name) => name.endsWith('.cc'));
  const plain = [join(kernels, 'isa.cc'), ...names.map((name) => join(checks, name))];
  const objects = await Promise.all([...work, ...plain.map((source, i) => compile(source, `check-${i}.o`))]);
  const program = join(folder, 'check');
  await call([...objects, ...link, '-o', program]);
  return program;
}

describe.each(machines)('$arch', (machine) => {
  let folder: string;
  let command: string[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vau-rft-native-'));
    command = [...(machine.emulator ? [machine.emulator] : []), await build(machine, folder)];
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.for(vectorUnits(machine.arch))('$name computes what plain loops do', ({ name }, { skip }) => {
    const [program = '', ...args] = command;
    const env = { ...process.env, VAU_RFT_ISA: name };
    const { status, signal, stdout } = spawnSync(program, args, { env, encoding: 'utf8' });
    skip(status === 2, 'this processor does not have it');
    expect({ status, signal, stdout }).toEqual({
      status: 0,
      signal: null,
      stdout: expect.stringMatching(new RegExp(`^${name}: [1-9]\\d* checks, 0 failed\n$`)),
    });
  });
});

if (machines.every(({ arch }) => arch !== 'arm64')) it.skip('neon: there is no cross compiler or no qemu', () => {});
