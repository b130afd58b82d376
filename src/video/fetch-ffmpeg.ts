import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from '../errors.js';
import { ffmpegVersion } from './ffmpeg.js';

const execute = promisify(execFile);
const limits = { timeout: 600_000, maxBuffer: 16 * 2 ** 20, windowsHide: true };

/** How the names of the folders begin in which things are made ready. */
const WORK = 'fetch-';

/** Platform tags of the wheels of `imageio-ffmpeg`, by `process.platform-process.arch`. */
const wheelPlatforms: Record<string, string> = {
  'linux-x64': 'manylinux2014_x86_64',
  'linux-arm64': 'manylinux2014_aarch64',
  'darwin-x64': 'macosx_10_9_x86_64',
  'darwin-arm64': 'macosx_11_0_arm64',
  'win32-x64': 'win_amd64',
};

/**
 * Brings an ffmpeg program to the path `target`: a current one out of the PyPI wheel `imageio-ffmpeg`, else an old one
 * out of the npm package `@ffmpeg-installer`. It is made ready beside `target`, run once, and renamed into place, so
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
      report(`ffmpeg: ${version} is ready in ${target}`);
      return;
    } catch (error) {
      failures.push(`${name}: ${lastLine(error)}`);
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
  const tag = wheelPlatforms[platform];
  if (tag === undefined) throw new Error(`has no wheel for ${platform}`);
  const python = await findPython();
  const download = ['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await execute(python, [...download, '--platform', tag, '--dest', folder, 'imageio-ffmpeg>=0.5,<1'], limits);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip brought no wheel');
  await execute(python, ['-m', 'zipfile', '-e', join(folder, wheel), folder], limits);
  const binaries = join(folder, 'imageio_ffmpeg', 'binaries');
  const binary = (await readdir(binaries)).find((name) => name.startsWith('ffmpeg-'));
  if (binary === undefined) throw new Error(`${wheel} holds no ffmpeg`);
  return join(binaries, binary);
};

const fromNpm = async ({ folder, platform }: Place): Promise<string> => {
  const install = ['install', '--prefix', folder, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund'];
  await execute('npm', [...install, `@ffmpeg-installer/${platform}`], {
    ...limits,
    shell: process.platform === 'win32',
  });
  const program = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  return join(folder, 'node_modules', '@ffmpeg-installer', platform, program);
};

const ways = [
  { name: 'imageio-ffmpeg (PyPI)', unpack: fromWheel },
  { name: '@ffmpeg-installer (npm)', unpack: fromNpm },
];

/** @throws Error if there is no Python with pip. */
const findPython = async (): Promise<string> => {
  for (const python of ['python3', 'python']) {
    const works = await execute(python, ['-m', 'pip', '--version'], limits).then(
      () => true,
      () => false,
    );
    if (works) return python;
  }
  throw new Error('needs Python with pip, which is not there');
};

/** pip and npm write pages; the last line that is not empty says what went wrong. */
const lastLine = (error: unknown): string => {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const text = stderr.trim() === '' && error instanceof Error ? error.message : stderr;
  return text.trim().split('\n').at(-1)?.trim() ?? 'failed';
};
