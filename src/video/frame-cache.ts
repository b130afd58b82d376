import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../system/cache-folder.js';
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
    const entry = pack(frames);
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
      const frames = unpack(bytes);
      const now = new Date();
      // A folder that may only be read still serves.
      await (frames === null ? rm(place(key), { force: true }) : utimes(place(key), now, now)).catch(() => undefined);
      return frames;
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

/** An entry: a line of JSON with all but the pixels, a line with the digest of all else, the pixels. */
const pack = ({ data, ...rest }: Frames): Buffer => {
  const head = JSON.stringify(rest);
  return Buffer.concat([Buffer.from(`${head}\n${digest({ head, data })}\n`), data]);
};

/** `null` if the entry is damaged. */
const unpack = (bytes: Buffer): Frames | null => {
  const first = bytes.indexOf('\n');
  const second = bytes.indexOf('\n', first + 1);
  if (first < 0 || second < 0) return null;
  const head = bytes.toString('utf8', 0, first);
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + second + 1, bytes.length - second - 1);
  if (bytes.toString('utf8', first + 1, second) !== digest({ head, data })) return null;
  return { data, ...(JSON.parse(head) as Omit<Frames, 'data'>) };
};

const digest = ({ head, data }: { head: string; data: Uint8Array }): string =>
  createHash('sha256').update(head).update(data).digest('hex');
