import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import pLimit from 'p-limit';
import { usableCpus } from '../../system/cpus.js';
import { packageFile } from '../../system/package-file.js';
import { runTool } from '../../system/tool.js';
import { nodeApiHeaders } from './binding-source.js';
import type { Compiler } from './compile.js';
import type { AddonLocation } from './find-addon.js';
import { runtimeTarget } from './target.js';

/** The C++ of our own operations. */
const kernelSources = (): string => packageFile('native/kernels');

export const FLAGS = [
  '-fPIC',
  '-O3',
  '-std=c++17',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-w',
];

/** What runs on vectors (`work/work.cc`) is compiled for each of these; the library chooses as it is loaded (`isa.cc`). */
const INSTRUCTION_SETS: Partial<Record<string, Record<string, readonly string[]>>> = {
  x64: {
    avx512_bf16: ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mavx512bf16'],
    avx512: ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq'],
    avx2: ['-mavx2', '-mfma'],
    sse2: [],
  },
  arm64: { neon: [] },
};

/** A file of the kernels' folder that is compiled, once or with several flags. */
interface Unit {
  object: string;
  source: string;
  flags: readonly string[];
}

/** What runs on vectors, for each instruction set of a processor of Node's name `arch`, the best first. */
export const vectorUnits = (arch: string): (Unit & { name: string })[] =>
  Object.entries(INSTRUCTION_SETS[arch] ?? {}).map(([name, flags]) => ({
    name,
    object: `work-${name}.o`,
    source: join('work', 'work.cc'),
    flags: [...flags, `-DISA=${name}`],
  }));

const units = async (): Promise<Unit[]> => {
  const names = (await readdir(kernelSources())).filter((name) => name.endsWith('.cc'));
  // The longest first.
  return [...vectorUnits(process.arch), ...names.map((name) => ({ object: `${name}.o`, source: name, flags: [] }))];
};

/** What tells one build from another. */
export const kernelsDigest = async (): Promise<string> => {
  const hash = createHash('sha256').update(JSON.stringify([FLAGS, await units()]));
  const entries = await readdir(kernelSources(), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files.sort()) hash.update(relative(kernelSources(), file)).update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
};

/**
 * @param folder takes the object files
 * @param output the Node addon; to be loaded after TensorFlow's
 * @param flags come last
 * @throws ToolError with the compiler's last error.
 */
export const buildKernels = async ({
  compiler,
  addon,
  folder,
  output,
  flags = [],
}: {
  compiler: Compiler;
  addon: AddonLocation;
  folder: string;
  output: string;
  flags?: readonly string[];
}): Promise<void> => {
  const tensorflow = dirname(addon.addonPath);
  const target = runtimeTarget({ cuda: addon.cuda });
  const call = (args: string[]) =>
    runTool({ command: compiler.command, args: [...compiler.args, ...args, ...flags], env: compiler.env });
  const limit = pLimit(usableCpus());
  const objects = (await units()).map((unit) =>
    limit(async () => {
      const object = join(folder, unit.object);
      const source = join(kernelSources(), unit.source);
      await call(['-c', ...FLAGS, ...unit.flags, `-I${nodeApiHeaders()}`, source, '-o', object]);
      return object;
    }),
  );
  const libraries = target.libraries.map((file) => join(tensorflow, file));
  await call(['-shared', ...(await Promise.all(objects)), ...libraries, ...target.linkFlags, '-o', output]);
};
