import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from '../../system/errors.js';
import { npmIntegrity } from '../../system/npm-integrity.js';
import { type Report, runTool, ToolError } from '../../system/tool.js';

const PACKAGE = '@tensorflow/tfjs-node-gpu';

/** What is fetched where nobody installed the package: a version, and npm's hash of its archive. */
export interface Release {
  version: string;
  integrity: string;
}

const RELEASE: Release = {
  version: '4.22.0',
  integrity: 'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
};

/** The package that holds the addon's C++ (its `binding` folder). */
export interface BindingSource {
  folder: string;
  version: string;
}

const require = createRequire(import.meta.url);

/**
 * The installed package, or null: it is an optional peer, which npm leaves to the user, since its install script fetches
 * a TensorFlow of hundreds of megabytes that we do not use.
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
export const bindingVersion = (): string => installedPackage()?.version ?? RELEASE.version;

/**
 * The C++ of the addon, from npm if it is not installed.
 *
 * @throws SetupError `BINDING_SOURCE_MISSING`.
 */
export const bindingSource = async ({ folder, report }: { folder: string; report: Report }): Promise<BindingSource> =>
  installedPackage() ?? fetchBindingSource({ folder, report });

/**
 * Fetches the package into `folder`, without its install script and without what it depends on.
 *
 * @throws SetupError `BINDING_SOURCE_MISSING`; `BINDING_SOURCE_DAMAGED` if it is not what was released.
 */
export const fetchBindingSource = async ({
  folder,
  report,
  release: { version, integrity } = RELEASE,
}: {
  folder: string;
  report: Report;
  release?: Release;
}): Promise<BindingSource> => {
  report(`TensorFlow: fetching the addon's sources (${PACKAGE} ${version}) with npm`);
  try {
    await mkdir(folder, { recursive: true });
    await runTool({
      command: 'npm',
      args: ['pack', '--silent', '--pack-destination', folder, `${PACKAGE}@${version}`],
    });
    const name = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
    if (name === undefined) throw new ToolError({ message: 'npm pack brought nothing' });
    const archive = join(folder, name);
    const found = npmIntegrity(await readFile(archive));
    if (found !== integrity) {
      const message = `the registry's ${PACKAGE} ${version} is not the one that was released (${found} instead of ${integrity}): use another registry (npm config set registry)`;
      throw new SetupError({ code: 'BINDING_SOURCE_DAMAGED', message });
    }
    await runTool({ command: 'tar', args: ['-xzf', archive, '-C', folder] });
  } catch (cause) {
    if (!(cause instanceof ToolError)) throw cause;
    const message = `the addon's sources cannot be fetched (${cause.message}): run npm install --no-save --ignore-scripts ${PACKAGE}@${version}`;
    throw new SetupError({ code: 'BINDING_SOURCE_MISSING', message, cause });
  }
  return { folder: join(folder, 'package'), version };
};

/** The folder of Node's own C headers. */
export const nodeApiHeaders = (): string => {
  const { include_dir } = require('node-api-headers') as { include_dir: string };
  return include_dir;
};
