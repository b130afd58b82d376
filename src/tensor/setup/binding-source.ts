import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from '../../errors.js';
import { type Report, runTool, ToolError } from './tool.js';

const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** What is fetched where npm did not install the package. */
const FETCHED_VERSION = '4.22.0';

/** The package that holds the addon's C++ (its `binding` folder). */
export interface BindingSource {
  folder: string;
  version: string;
}

const require = createRequire(import.meta.url);

/**
 * The installed package, or null: it is an optional dependency, which npm removes without a word where its install
 * script fails.
 */
export const installedPackage = (): BindingSource | null => {
  try {
    const file = require.resolve(`${PACKAGE}/package.json`);
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    const folder = dirname(file);
    return existsSync(join(folder, 'binding', 'tfjs_binding.cc')) ? { folder, version } : null;
  } catch {
    return null;
  }
};

/** The version of the sources that a build uses or would use. */
export const bindingVersion = (): string => installedPackage()?.version ?? FETCHED_VERSION;

/**
 * The C++ of the addon, from npm if it is not installed.
 *
 * @throws SetupError `BINDING_SOURCE_MISSING`.
 */
export const bindingSource = async ({ folder, report }: { folder: string; report: Report }): Promise<BindingSource> =>
  installedPackage() ?? fetchBindingSource({ folder, report });

/** Fetches the package into `folder`, without its install script. @throws SetupError `BINDING_SOURCE_MISSING`. */
export const fetchBindingSource = async ({
  folder,
  report,
}: {
  folder: string;
  report: Report;
}): Promise<BindingSource> => {
  report(`TensorFlow: fetching the addon's sources (${PACKAGE} ${FETCHED_VERSION}) with npm`);
  try {
    await mkdir(folder, { recursive: true });
    await runTool({
      command: 'npm',
      args: ['pack', '--silent', '--pack-destination', folder, `${PACKAGE}@${FETCHED_VERSION}`],
    });
    const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new ToolError({ message: 'npm pack brought nothing' });
    await runTool({ command: 'tar', args: ['-xzf', join(folder, archive), '-C', folder] });
  } catch (cause) {
    if (!(cause instanceof ToolError)) throw cause;
    const message = `the addon's sources cannot be fetched (${cause.message}): run npm install ${PACKAGE} --ignore-scripts`;
    throw new SetupError({ code: 'BINDING_SOURCE_MISSING', message, cause });
  }
  return { folder: join(folder, 'package'), version: FETCHED_VERSION };
};

/** The folder of Node's own C headers. */
export const nodeApiHeaders = (): string => {
  const { include_dir } = require('node-api-headers') as { include_dir: string };
  return include_dir;
};
