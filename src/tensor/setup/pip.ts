import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../system/bytes.js';
import { SetupError } from '../../system/errors.js';
import { type Report, runTool, ToolError, toolWorks } from '../../system/tool.js';
import { folderBytes } from './folder-size.js';

/** How pip is called here, and a Python for unpacking what it brings. */
export interface Pip {
  command: string;
  args: readonly string[];
  python: string;
}

/** Wheels are chosen for this Python, whatever Python runs pip: only their C libraries are used. */
const WHEEL_PYTHON = '3.11';

/** @throws SetupError `PIP_MISSING`. */
export const findPip = async (): Promise<Pip> => {
  const pythons: string[] = [];
  for (const python of ['python3', 'python']) {
    if (await toolWorks(python, ['-m', 'pip', '--version'])) return { command: python, args: ['-m', 'pip'], python };
    if (await toolWorks(python, ['-c', 'import sys; sys.exit(sys.version_info < (3,))'])) pythons.push(python);
  }
  for (const command of ['pip3', 'pip']) {
    if (pythons[0] !== undefined && (await toolWorks(command, ['--version'])))
      return { command, args: [], python: pythons[0] };
  }
  const message = 'Python 3 with pip is not on the PATH: install it (Debian, Ubuntu: sudo apt install python3-pip)';
  throw new SetupError({ code: 'PIP_MISSING', message });
};

/**
 * Downloads wheels, without what they depend on, into a new folder. pip checks them against the hashes of its index.
 *
 * @returns the paths of the wheels.
 * @throws SetupError `INDEX_UNREACHABLE`, `WHEEL_UNAVAILABLE`.
 */
export const downloadWheels = async ({
  pip,
  requirements,
  platforms,
  folder,
  report,
}: {
  pip: Pip;
  /** `tensorflow-cpu==2.21.0` */
  requirements: readonly string[];
  platforms: readonly string[];
  folder: string;
  report: Report;
}): Promise<string[]> => {
  // pip's own bar on a terminal; elsewhere a line now and then.
  const show = process.stderr.isTTY === true;
  // What pip leaves behind when it is killed is then removed with the folder.
  const temporary = join(folder, 'temporary');
  await mkdir(temporary, { recursive: true });
  const progress = show ? undefined : setInterval(() => void reportSize(temporary, report), 10_000);
  try {
    await runTool({
      command: pip.command,
      args: [
        ...pip.args,
        ...['download', '--disable-pip-version-check', '--no-cache-dir', '--retries', '2'],
        ...['--no-deps', '--only-binary=:all:', '--python-version', WHEEL_PYTHON],
        ...platforms.flatMap((platform) => ['--platform', platform]),
        ...(show ? [] : ['--quiet', '--progress-bar', 'off']),
        ...['--dest', folder, ...requirements],
      ],
      env: { TMPDIR: temporary },
      show,
    });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw whyNoWheel({ error, requirements });
  } finally {
    clearInterval(progress);
  }
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
};

const whyNoWheel = ({ error, requirements }: { error: ToolError; requirements: readonly string[] }): SetupError => {
  if (/Retrying \(|ConnectionError|Temporary failure in name resolution/.test(error.stderr)) {
    const message = 'pip cannot reach its package index: connect to the network, or point PIP_INDEX_URL at a mirror';
    return new SetupError({ code: 'INDEX_UNREACHABLE', message, cause: error });
  }
  const message = `pip brought no ${requirements.join(' ')} (${error.message}): its index (PIP_INDEX_URL) may lack it`;
  return new SetupError({ code: 'WHEEL_UNAVAILABLE', message, cause: error });
};

const reportSize = async (folder: string, report: Report): Promise<void> => {
  const bytes = await folderBytes(folder);
  if (bytes > 0) report(`  … ${formatBytes(bytes)} so far`);
};
