import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { putInPlace } from '../../system/put-in-place.js';
import type { Report } from '../../system/tool.js';
import { withLock } from '../../system/with-lock.js';
import { type Compiler, withFirstCompiler } from './compile.js';
import { type AddonLocation, runtimesFolder } from './find-addon.js';
import { runtimeTarget, type Target } from './target.js';

/** Where something is being built. */
export interface Site {
  /** For what is needed meanwhile. */
  folder: string;
  target: Target;
  /** The file to make: beside the addon, since it finds TensorFlow's libraries from where it lies. */
  output: string;
}

/**
 * Something of ours that is compiled beside an addon: the file that is there, else made now, by one process at a time.
 *
 * @param file its place; its name has to tell one source from another
 * @param what it is, for people
 * @param check throws if what was built does not work
 * @throws ToolError with the last compiler's error; SetupError `COMPILER_MISSING`
 */
export async function buildBeside(args: {
  addon: AddonLocation;
  file: string;
  what: string;
  report: Report;
  build: (compiler: Compiler, site: Site) => Promise<void>;
  check?: (output: string) => Promise<void>;
}): Promise<string> {
  const { addon, file, what, report, build, check } = args;
  const make = async () => {
    const folder = await mkdtemp(join(runtimesFolder(), 'work-'));
    const output = join(dirname(addon.addonPath), `${basename(folder)}.node`);
    const target = runtimeTarget({ cuda: addon.cuda });
    const attempt = async (compiler: Compiler) => {
      report(`TensorFlow: building ${what} with ${compiler.name}`);
      await build(compiler, { folder, target, output });
    };
    const whole = async () => {
      await withFirstCompiler({ folder, target, report, build: attempt });
      await check?.(output);
    };
    await putInPlace({ place: file, beside: output, make: whole }).finally(() =>
      rm(folder, { recursive: true, force: true }),
    );
  };
  return withLock({
    file: join(runtimesFolder(), 'lock'),
    waiting: () => report(`TensorFlow: another process is building ${what}; waiting for it`),
    task: async () => {
      if (!existsSync(file)) await make();
      return file;
    },
  });
}
