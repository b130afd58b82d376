import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../system/cache-folder.js';
import { packEntry, unpackEntry } from '../system/digested-entry.js';
import { putInPlace } from '../system/put-in-place.js';
import { sweepFolder, UNFINISHED } from '../system/sweep-folder.js';
import type { Frames } from './frames.js';

/** Decoded frames on disk. It only ever saves work: no trouble with it stops a run. */
export interface FrameCache {
  /** The frames kept under `key`, else `null`; a damaged entry is removed. */
  get(key: string): Promise<Frames | null>;
  /** Keeps `frames` (or does not, and says why once). */
  put(key: string, frames: Frames): Promise<void>;
}

const ENTRY = '.frames';
/** Of `maxBytes`: what may be written between two looks at the folder's size, and what a look leaves there. */
const SWEEP_EVERY = 0.05;
const SWEEP_TO = 0.9;

/**
 * A cache in `folder`, at most `maxBytes` large: those entries leave first whose last use is longest ago. Entries appear
 * whole or not at all, and carry a digest. Several processes may share a folder.
 *
 * @param report takes a line if frames cannot be kept.
 */
export const openFrameCache = ({
  folder = join(cacheFolder(), 'frames'),
  maxBytes = 5e9,
  report,
}: {
  folder?: string;
  maxBytes?: number;
  report: (line: string) => void;
}): FrameCache => {
  let failed = false;
  let unswept = Number.POSITIVE_INFINITY;
  const place = (key: string): string => join(folder, key + ENTRY);

  const write = async (key: string, frames: Frames): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const unfinished = join(folder, `${key}.${randomUUID()}${UNFINISHED}`);
    const { data, ...head } = frames;
    const entry = packEntry({ head, data });
    if (unswept + entry.length > maxBytes * SWEEP_EVERY) {
      await sweepFolder({ folder, ending: ENTRY, leave: maxBytes * SWEEP_TO - entry.length });
      unswept = 0;
    }
    await putInPlace({ place: place(key), beside: unfinished, make: (file) => writeFile(file, entry) });
    unswept += entry.length;
  };

  return {
    get: async (key) => {
      const bytes = await readFile(place(key)).catch(() => null);
      if (bytes === null) return null;
      const entry = unpackEntry<Omit<Frames, 'data'>>(bytes);
      const now = new Date();
      // A folder that may only be read still serves.
      await (entry === null ? rm(place(key), { force: true }) : utimes(place(key), now, now)).catch(() => undefined);
      return entry && { data: entry.data, ...entry.head };
    },
    put: async (key, frames) => {
      if (failed) return;
      try {
        await write(key, frames);
      } catch (error) {
        failed = true;
        const reason = error instanceof Error ? error.message : String(error);
        report(`Decoded frames are no longer kept in ${folder}: ${reason}. Videos will be decoded again when needed.`);
      }
    },
  };
};
