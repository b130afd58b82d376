import { join } from 'node:path';
import { SetupError } from '../../system/errors.js';
import { packageFile } from '../../system/package-file.js';
import { type Report, runTool, ToolError, toolWorks } from '../../system/tool.js';
import { type BindingSource, nodeApiHeaders } from './binding-source.js';
import { downloadWheels, findPip, type Pip } from './pip.js';
import type { Target } from './target.js';
import { unpackWheel } from './unpack.js';

/** A C++ compiler that takes GCC's flags. */
export interface Compiler {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** The compilers of this machine: `CXX`, then the usual names on the `PATH`. */
export const localCompilers = async (): Promise<Compiler[]> => {
  const candidates = ['c++', 'g++', 'clang++'].map((command) => ({ command, args: [] as string[] }));
  const [command, ...args] = process.env.CXX?.trim().split(/\s+/) ?? [];
  if (command) candidates.unshift({ command, args });
  const works = await Promise.all(candidates.map(({ command, args }) => toolWorks(command, [...args, '--version'])));
  return candidates.filter((_, i) => works[i]).map((candidate) => ({ ...candidate, name: candidate.command }));
};

/**
 * Where there is no compiler: Zig's, which is a whole one (with a C++ library) in a wheel.
 *
 * @throws SetupError `COMPILER_MISSING`.
 */
export const fetchCompiler = async ({
  pip,
  target,
  folder,
  report,
}: {
  pip: Pip;
  target: Target;
  folder: string;
  report: Report;
}): Promise<Compiler> => {
  report('TensorFlow: no C++ compiler works here; fetching ziglang (about 96 MiB) with pip');
  try {
    const [wheel] = await downloadWheels({
      pip,
      requirements: ['ziglang>=0.13,<1'],
      platforms: [...target.wheelPlatforms, 'macosx_13_0_arm64'],
      folder,
      report,
    });
    if (wheel === undefined) throw new ToolError({ message: 'pip brought no wheel' });
    await unpackWheel({ pip, wheel, folder, prefixes: ['ziglang/'] });
    const command = join(folder, 'ziglang', 'zig');
    const cache = join(folder, 'cache');
    const env = { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
    return { name: 'zig c++', command, args: ['c++'], env };
  } catch (cause) {
    if (!(cause instanceof SetupError)) throw cause;
    const remedy = process.platform === 'darwin' ? 'xcode-select --install' : 'sudo apt install g++';
    const message = `there is no C++ compiler, and none can be fetched (${cause.message}): install one (${remedy})`;
    throw new SetupError({ code: 'COMPILER_MISSING', message, cause });
  }
};

/**
 * Builds something with the machine's compilers in turn, since one may be there without its C++ library; with a fetched
 * one, where there is none.
 *
 * @throws ToolError with the last one's error; SetupError `COMPILER_MISSING`
 */
export const withFirstCompiler = async (args: {
  folder: string;
  target: Target;
  report: Report;
  build: (compiler: Compiler) => Promise<void>;
}): Promise<void> => {
  const { folder, target, report, build } = args;
  const compilers = await localCompilers();
  if (compilers.length === 0) {
    const pip = await findPip();
    compilers.push(await fetchCompiler({ pip, target, folder: join(folder, 'compiler'), report }));
  }
  let failure: unknown;
  for (const compiler of compilers) {
    try {
      return await build(compiler);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      failure = error;
    }
  }
  throw failure;
};

/**
 * Builds the addon beside TensorFlow's libraries. Plain compiler calls do what the package's `binding.gyp` does, without
 * node-gyp, which would fetch Node's headers. Files of ours go in: one keeps signals off its threads, one
 * the context that it makes.
 *
 * @returns the addon's path.
 * @throws ToolError with the compiler's last error.
 */
export const compileAddon = async ({
  compiler,
  source,
  target,
  tensorflow,
}: {
  compiler: Compiler;
  source: BindingSource;
  target: Target;
  /** The wheel's `tensorflow` folder, unpacked. */
  tensorflow: string;
}): Promise<string> => {
  const output = join(tensorflow, 'tfjs_binding.node');
  await runTool({
    command: compiler.command,
    args: [
      ...compiler.args,
      ...['-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8', '-w'],
      // Ours stand between tfjs and TensorFlow (native/addon/context.cc).
      ...['-DTFE_NewContext=vau_rft_new_context', '-DTF_DeviceListName=vau_rft_device_name'],
      ...[nodeApiHeaders(), source.folder, join(tensorflow, 'include')].map((folder) => `-I${folder}`),
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(source.folder, 'binding', file)),
      ...['signals.cc', 'context.cc'].map((file) => packageFile(`native/addon/${file}`)),
      // By path, not by -L and -l: Zig would write the folder of -L into the rpath.
      ...target.libraries.map((file) => join(tensorflow, file)),
      ...target.linkFlags,
      ...['-o', output],
    ],
    env: compiler.env,
  });
  return output;
};
