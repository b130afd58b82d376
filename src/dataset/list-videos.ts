import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../system/errors.js';
import type { NamedVisual } from './visual.js';

/** What counts as a video or a picture when a folder is searched: the ends of their names. */
export const ENDINGS: Readonly<Record<NamedVisual['kind'], RegExp>> = {
  video: /\.(mp4|m4v|mov|avi|mkv|webm|mpe?g|wmv|flv|ts|mts|m2ts|3gp|ogv)$/i,
  image: /\.(jpe?g|png|webp|gif|tiff?|avif|heic|heif)$/i,
};

const KINDS = ['video', 'image'] as const;

/** Videos and pictures of a folder. */
type Listed = Record<NamedVisual['kind'], string[]>;

/**
 * Paths of the videos and pictures below a folder, relative to it, with `/` between their parts; sorted. Symbolic links are followed,
 * since they are the user's. A folder in it that cannot be read (`lost+found` of a mount) is passed over.
 *
 * @param warn takes a sentence for each folder that is passed over.
 * @throws DataError when the folder itself cannot be read.
 */
export async function listVisuals({
  folder,
  warn,
}: {
  folder: string;
  warn: (message: string) => void;
}): Promise<Listed> {
  const found: Listed = { video: [], image: [] };
  const visited = new Set<string>();
  const walk = async (below: string): Promise<void> => {
    const real = await realpath(join(folder, below));
    if (visited.has(real)) return;
    visited.add(real);
    for (const entry of await readdir(real, { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      // A link that leads nowhere is neither.
      const kind = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : entry;
      if (kind?.isDirectory()) await walk(path).catch(passOver(path));
      else if (kind?.isFile()) for (const what of KINDS) if (ENDINGS[what].test(path)) found[what].push(path);
    }
  };
  const passOver = (path: string) => (error: unknown) =>
    warn(`${join(folder, path)} cannot be read (${codeOf(error)}): what is in it is not found`);
  try {
    await walk('');
  } catch (cause) {
    const message = `${folder}: the folder of videos cannot be read (${codeOf(cause)}); check the path`;
    throw new DataError({ code: 'DATA_VIDEOS_UNREADABLE', message, cause });
  }
  for (const what of KINDS) found[what].sort();
  return found;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
