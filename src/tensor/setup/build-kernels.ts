import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { packageFile } from '../../package-file.js';
import { nodeApiHeaders } from './binding-source.js';
import type { Compiler } from './compile.js';
import type { AddonLocation } from './find-addon.js';
import { runtimeTarget } from './target.js';
import { runTool } from './tool.js';

/** The C++ of our own operations. */
const kernelSources = (): string => packageFile('native/kernels');

/** No vector instructions are named: the work functions are compiled for several and choose at load time (`vec.h`). */
const FLAGS = ['-fPIC', '-O3', '-std=c++17', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast', '-w'];

/** What tells one build from another. */
export const kernelsDigest = async (): Promise<string> => {
  const hash = createHash('sha256').update(FLAGS.join('\0'));
  for (const name of (await readdir(kernelSources())).sort())
    hash.update(name).update(await readFile(join(kernelSources(), name)));
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
  const sources = (await readdir(kernelSources())).filter((name) => name.endsWith('.cc'));
  const limit = pLimit(availableParallelism());
  const objects = await Promise.all(
    sources.map((name) =>
      limit(async () => {
        const object = join(folder, `${name}.o`);
        await call(['-c', ...FLAGS, `-I${nodeApiHeaders()}`, join(kernelSources(), name), '-o', object]);
        return object;
      }),
    ),
  );
  const libraries = target.libraries.map((file) => join(tensorflow, file));
  await call(['-shared', ...objects, ...libraries, ...target.linkFlags, '-o', output]);
};
