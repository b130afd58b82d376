import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../system/cache-folder.js';
import { putInPlace } from '../system/put-in-place.js';
import { openBudget, type VideoBounds } from './bounds.js';
import { fileIdentity } from './file-identity.js';
import type { VideoNotes } from './notes.js';
import { probeVideo, type VideoInfo } from './probe.js';
import { frameStep } from './timeline.js';

/** How long a video really is: what segments are compared with. */
export interface VideoLength extends VideoNotes, Pick<VideoInfo, 'duration'> {
  /** Seconds from a frame to the next, on average. */
  frameStep: number;
}

/** Raise when lengths or warnings of the same file change. */
const VERSION = 3;

/**
 * The length of a video and what is wrong with it. The first time the file is read through, which decodes one frame;
 * then the answer is kept in the cache folder until the file changes.
 *
 * @param bounds what it may cost; those left out are as by default.
 * @throws VideoError, SetupError as `probeVideo`.
 */
export const videoLength = async ({
  file,
  bounds,
  signal,
}: {
  file: string;
  bounds?: Partial<VideoBounds>;
  signal?: AbortSignal;
}): Promise<VideoLength> => {
  const identity = JSON.stringify([VERSION, ...(await fileIdentity(file))]);
  const name = createHash('sha256').update(identity).digest('hex');
  const folder = join(cacheFolder(), 'video-lengths');
  const kept = await read(join(folder, name), identity);
  if (kept !== null) return kept;
  const { duration, incomplete, warnings, timeline } = await probeVideo({ file, budget: openBudget(bounds), signal });
  const length = { duration, frameStep: frameStep(timeline), incomplete, warnings };
  // It only saves work: where it cannot be kept, it is found anew.
  await write({ folder, name, entry: { identity, ...length } }).catch(() => undefined);
  return length;
};

interface Entry extends VideoLength {
  identity: string;
}

/** `null` where there is none, or a damaged one. */
const read = async (file: string, identity: string): Promise<VideoLength | null> => {
  try {
    const entry = JSON.parse(await readFile(file, 'utf8')) as Partial<Entry>;
    const { duration, frameStep, incomplete, warnings } = entry;
    if (entry.identity !== identity || duration === undefined || frameStep === undefined) return null;
    if (incomplete === undefined || warnings === undefined) return null;
    return { duration, frameStep, incomplete, warnings };
  } catch {
    return null;
  }
};

/** It appears whole or not at all. */
const write = async ({ folder, name, entry }: { folder: string; name: string; entry: Entry }): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `${name}.${randomUUID()}.partial`);
  const make = (file: string) => writeFile(file, JSON.stringify(entry));
  await putInPlace({ place: join(folder, name), beside: unfinished, make });
};
