import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../system/cache-folder.js';
import { SetupError } from '../system/errors.js';
import { ffmpegVersion } from './ffmpeg-version.js';

/** An ffmpeg program that runs. */
export interface Ffmpeg {
  path: string;
  /** As the program says it: `7.0.2-static`. */
  version: string;
  source: 'FFMPEG_PATH' | 'ffmpeg-static' | 'system' | 'setup';
}

/** Where setup puts the program that it brings. */
export const fetchedFfmpeg = (): string =>
  join(cacheFolder(), 'ffmpeg', process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg');

let found: { key: string; answer: Promise<Ffmpeg | null> } | undefined;

/**
 * The first that runs of: the environment's `FFMPEG_PATH`, the npm package `ffmpeg-static`, `ffmpeg` on the `PATH`, the
 * one that setup brought. Never downloads. The answer is remembered until the environment changes.
 *
 * @throws SetupError `FFMPEG_PATH_BROKEN`: `FFMPEG_PATH` is set but does not run.
 */
export const findFfmpeg = (): Promise<Ffmpeg | null> => {
  const { FFMPEG_PATH, PATH } = process.env;
  const key = JSON.stringify([FFMPEG_PATH, PATH, cacheFolder()]);
  if (found?.key !== key) found = { key, answer: search() };
  return found.answer;
};

/**
 * As `findFfmpeg`; where there is none, brings one from a package registry into the cache folder.
 *
 * @param report takes the lines that say what is going on.
 * @throws SetupError `FFMPEG_PATH_BROKEN`, `FFMPEG_MISSING`.
 */
export const ensureFfmpeg = async ({ report }: { report: (line: string) => void }): Promise<Ffmpeg> => {
  const present = await findFfmpeg();
  if (present !== null) return present;
  const { fetchFfmpeg } = await import('./fetch-ffmpeg.js');
  await fetchFfmpeg({ target: fetchedFfmpeg(), report });
  found = undefined;
  const fetched = await findFfmpeg();
  if (fetched === null) throw ffmpegMissing();
  return fetched;
};

/** For those that need ffmpeg but are not setup. @throws SetupError `FFMPEG_MISSING`, `FFMPEG_PATH_BROKEN`. */
export const requireFfmpeg = async (): Promise<Ffmpeg> => {
  const ffmpeg = await findFfmpeg();
  if (ffmpeg === null) throw ffmpegMissing();
  return ffmpeg;
};

const ffmpegMissing = (): SetupError =>
  new SetupError({ code: 'FFMPEG_MISSING', message: 'There is no ffmpeg: run `vau-rft setup`, or set FFMPEG_PATH.' });

const search = async (): Promise<Ffmpeg | null> => {
  const { FFMPEG_PATH } = process.env;
  if (FFMPEG_PATH) {
    try {
      return { path: FFMPEG_PATH, version: await ffmpegVersion(FFMPEG_PATH), source: 'FFMPEG_PATH' };
    } catch (cause) {
      const message = `FFMPEG_PATH is ${FFMPEG_PATH}, which does not run as ffmpeg: point it at a working one, or unset it.`;
      throw new SetupError({ code: 'FFMPEG_PATH_BROKEN', message, cause });
    }
  }
  const candidates: { path: string | null; source: Ffmpeg['source'] }[] = [
    { path: await ffmpegStatic(), source: 'ffmpeg-static' },
    { path: 'ffmpeg', source: 'system' },
    { path: fetchedFfmpeg(), source: 'setup' },
  ];
  for (const { path, source } of candidates) {
    if (path === null) continue;
    // One that does not run (another platform's, a damaged download) is passed over: the next one may do.
    const version = await ffmpegVersion(path).catch(() => null);
    if (version !== null) return { path, version, source };
  }
  return null;
};

/**
 * The binary of the npm package `ffmpeg-static` where somebody installed it: we do not, since its install script fetches
 * an old ffmpeg from a host that many networks do not reach. `require`, for the compiler need not know the package.
 */
const ffmpegStatic = async (): Promise<string | null> => {
  try {
    const file: unknown = createRequire(import.meta.url)('ffmpeg-static');
    if (typeof file !== 'string') return null;
    await access(file);
    return file;
  } catch {
    return null;
  }
};
