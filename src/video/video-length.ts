import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.js';
import { fileIdentity } from './file-identity.js';
import { probeVideo, type VideoInfo } from './probe.js';

/** How long a video really is: the part of `VideoInfo` that segments are compared with. */
export type VideoLength = Pick<VideoInfo, 'duration' | 'warnings'>;

/** Raise when lengths or warnings of the same file change. */
const VERSION = 1;

/**
 * The length of a video and what is wrong with it. The first time the file is read through, which decodes one frame;
 * then the answer is kept in the cache folder until the file changes.
 *
 * @throws VideoError, SetupError as `probeVideo`.
 */
export const videoLength = async (request: { file: string; signal?: AbortSignal }): Promise<VideoLength> => {
  const identity = JSON.stringify([VERSION, ...(await fileIdentity(request.file))]);
  const name = createHash('sha256').update(identity).digest('hex');
  const folder = join(cacheFolder(), 'video-lengths');
  const kept = await read(join(folder, name), identity);
  if (kept !== null) return kept;
  const { duration, warnings } = await probeVideo(request);
  // It only saves work: where it cannot be kept, it is found anew.
  await write({ folder, name, entry: { identity, duration, warnings } }).catch(() => undefined);
  return { duration, warnings };
};

interface Entry extends VideoLength {
  identity: string;
}

/** `null` where there is none, or a damaged one. */
const read = async (file: string, identity: string): Promise<VideoLength | null> => {
  try {
    const entry = JSON.parse(await readFile(file, 'utf8')) as Partial<Entry>;
    const { duration, warnings } = entry;
    return entry.identity === identity && duration !== undefined && warnings ? { duration, warnings } : null;
  } catch {
    return null;
  }
};

/** It appears whole or not at all. */
const write = async ({ folder, name, entry }: { folder: string; name: string; entry: Entry }): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `${name}.${randomUUID()}.partial`);
  try {
    await writeFile(unfinished, JSON.stringify(entry));
    await rename(unfinished, join(folder, name));
  } finally {
    await rm(unfinished, { force: true });
  }
};
