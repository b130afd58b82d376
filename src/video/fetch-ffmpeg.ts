import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SetupError } from '../system/errors.js';
import { npmIntegrity } from '../system/npm-integrity.js';
import { runTool, toolWorks } from '../system/tool.js';
import { PACKAGES, WHEEL_VERSION, WHEELS } from './ffmpeg-releases.js';
import { ffmpegVersion } from './ffmpeg-version.js';

/** Milliseconds. */
const timeout = 600_000;

const execute = (command: string, args: string[]) => runTool({ command, args, timeout });

/** How the names of the folders begin in which things are made ready. */
const WORK = 'fetch-';

/**
 * Brings an ffmpeg program to the path `target`: a current one out of the PyPI wheel `imageio-ffmpeg`, else an old one
 * out of the npm package `@ffmpeg-installer`; of a fixed version each, checked against its hash, and told which. It is made ready beside `target`, run once, and renamed into place, so
 * that a killed setup leaves nothing half done.
 *
 * @throws SetupError `FFMPEG_MISSING` if no way works; it says what each way said.
 */
export const fetchFfmpeg = async ({
  target,
  report,
}: {
  target: string;
  report: (line: string) => void;
}): Promise<void> => {
  const platform = `${process.platform}-${process.arch}`;
  await mkdir(dirname(target), { recursive: true });
  await removeLeftovers(dirname(target));
  const failures: string[] = [];
  for (const { name, unpack } of ways) {
    const folder = await mkdtemp(join(dirname(target), WORK));
    try {
      report(`ffmpeg: fetching ${name}`);
      const binary = join(folder, 'ffmpeg');
      await copyFile(await unpack({ folder, platform }), binary);
      await chmod(binary, 0o755);
      const version = await ffmpegVersion(binary);
      await rename(binary, target);
      report(`ffmpeg: ${version} is ready in ${target}, from ${name}`);
      return;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
      report(`ffmpeg: ${failures.at(-1)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const message = `No ffmpeg could be fetched for ${platform}: install ffmpeg, or set FFMPEG_PATH. ${failures.join('; ')}`;
  throw new SetupError({ code: 'FFMPEG_MISSING', message });
};

/** What a killed setup left; one that may still run (under an hour old) is let be. */
const removeLeftovers = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = name.startsWith(WORK) ? await stat(path).catch(() => null) : null;
    if (found !== null && Date.now() - found.mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
  }
};

interface Place {
  /** Empty, and removed afterwards. */
  folder: string;
  /** `linux-x64` */
  platform: string;
}

const fromWheel = async ({ folder, platform }: Place): Promise<string> => {
  const wheel = WHEELS[platform];
  if (wheel === undefined) throw new Error(`has no wheel for ${platform}`);
  const python = await findPython();
  // pip compares the hash itself, before it unpacks anything.
  const requirement = join(folder, 'requirement.txt');
  await writeFile(requirement, `imageio-ffmpeg==${WHEEL_VERSION} --hash=sha256:${wheel.sha256}\n`);
  const download = ['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const which = ['--platform', wheel.tag, '--dest', folder, '--require-hashes', '--requirement', requirement];
  await execute(python, [...download, ...which]);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error('pip brought no wheel');
  await execute(python, ['-m', 'zipfile', '-e', join(folder, file), folder]);
  const binaries = join(folder, 'imageio_ffmpeg', 'binaries');
  const binary = (await readdir(binaries)).find((name) => name.startsWith('ffmpeg-'));
  if (binary === undefined) throw new Error(`${file} holds no ffmpeg`);
  return join(binaries, binary);
};

const fromNpm = async ({ folder, platform }: Place): Promise<string> => {
  const release = PACKAGES[platform];
  if (release === undefined) throw new Error(`has no package for ${platform}`);
  const name = `@ffmpeg-installer/${platform}@${release.version}`;
  await execute('npm', ['pack', '--silent', '--pack-destination', folder, name]);
  const archive = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm pack brought nothing');
  const found = npmIntegrity(await readFile(join(folder, archive)));
  if (found !== release.integrity)
    throw new Error(
      `the registry's ${name} is not the one that was released (${found} instead of ${release.integrity})`,
    );
  await execute('tar', ['-xzf', join(folder, archive), '-C', folder]);
  return join(folder, 'package', process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg');
};

const ways = [
  { name: `ffmpeg 7 of imageio-ffmpeg ${WHEEL_VERSION} (PyPI)`, unpack: fromWheel },
  { name: 'an older ffmpeg, of @ffmpeg-installer (npm)', unpack: fromNpm },
];

/** @throws Error if there is no Python with pip. */
const findPython = async (): Promise<string> => {
  for (const python of ['python3', 'python']) {
    if (await toolWorks(python, ['-m', 'pip', '--version'])) return python;
  }
  throw new Error('needs Python with pip, which is not there');
};
