import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DataError } from '../errors.js';

/** What counts as a video when a folder is searched. */
const VIDEO = /\.(mp4|m4v|mov|avi|mkv|webm|mpe?g|wmv|flv|ts|mts|m2ts|3gp|ogv)$/i;

/** The sources of VAU-Bench: some of its files put them before a video's name (`ecva_17.mp4` is ECVA's `17.mp4`). */
export const SOURCES = ['ucf', 'ecva', 'msad'] as const;

/** The source that a name is prefixed with, and the name without it. */
export function splitSource(name: string): { source?: (typeof SOURCES)[number]; rest: string } {
  const source = SOURCES.find((known) => name.startsWith(`${known}_`));
  return { source, rest: source === undefined ? name : name.slice(source.length + 1) };
}

export const NOT_FOUND = 'video not found';
export const AMBIGUOUS = 'several videos fit the name';
export const OUTSIDE = 'the video name leads out of the folder of videos';

/** An absolute path, or the reason why there is none. */
export type Located = { path: string } | { problem: string };

/**
 * Finds videos by the names that annotations give them, anywhere below one folder (which is listed once): as the name
 * says; else with another extension of a video, or none in the name; else with the source's prefix taken off or put on.
 * Symbolic links are followed, since they are the user's; a name cannot lead out of the folder.
 * @throws DataError when the folder cannot be read.
 */
export async function indexVideos(folder: string): Promise<(name: string) => Located> {
  const byStem = new Map<string, string[]>();
  for (const path of await listVideos(folder)) {
    const stem = stemOf(basename(path));
    byStem.set(stem, [...(byStem.get(stem) ?? []), path]);
  }
  return (name) => {
    const wanted = insideName(name);
    if (wanted === undefined) return { problem: OUTSIDE };
    const found = search({ name: wanted, byStem });
    if (found.length > 1) return { problem: AMBIGUOUS };
    return found[0] === undefined ? { problem: NOT_FOUND } : { path: resolve(folder, found[0]) };
  };
}

/** A name that stays below its folder, with `/` between its parts; undefined for any other. */
export function insideName(name: string): string | undefined {
  const parts = name.replaceAll('\\', '/').split('/');
  const leaves = parts.includes('..') || parts[0] === '' || parts[0]?.includes(':') || name.includes('\0');
  return leaves ? undefined : parts.filter((part) => part !== '' && part !== '.').join('/');
}

/** Takes a name as it is, unless it could lead out of a folder of videos. */
export const asNamed = (name: string): Located => {
  const path = insideName(name);
  return path === undefined ? { problem: OUTSIDE } : { path };
};

const stemOf = (path: string) => path.replace(VIDEO, '');

/** Paths of the videos below a folder, relative to it, with `/` between their parts; sorted. */
async function listVideos(folder: string): Promise<string[]> {
  const found: string[] = [];
  const visited = new Set<string>();
  const walk = async (below: string): Promise<void> => {
    const real = await realpath(join(folder, below));
    if (visited.has(real)) return;
    visited.add(real);
    for (const entry of await readdir(real, { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      // A link that leads nowhere is no video.
      const kind = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : entry;
      if (kind?.isDirectory()) await walk(path);
      else if (kind?.isFile() && VIDEO.test(path)) found.push(path);
    }
  };
  try {
    await walk('');
  } catch (cause) {
    const message = `${folder}: the folder of videos cannot be read (${(cause as NodeJS.ErrnoException).code}); check the path`;
    throw new DataError({ code: 'DATA_VIDEOS_UNREADABLE', message, cause });
  }
  return found.sort();
}

function search({ name, byStem }: { name: string; byStem: Map<string, string[]> }): string[] {
  const found = withStem({ name, byStem });
  if (found.length > 0) return found;
  const { source, rest } = splitSource(basename(name));
  const renamed = (change: (file: string) => string) =>
    withStem({ name: name.replace(/[^/]*$/, (file) => change(file)), byStem });
  if (source === undefined) return SOURCES.flatMap((known) => renamed((file) => `${known}_${file}`));
  // Without its prefix a name may be another source's: folders that name their source decide.
  const candidates = renamed(() => rest);
  const own = candidates.filter((path) => sourceOfFolder(path) === source);
  return own.length > 0 ? own : candidates.filter((path) => sourceOfFolder(path) === undefined);
}

/** Paths that end in a name: the very path, else those with its extension too, else those with any. */
function withStem({ name, byStem }: { name: string; byStem: Map<string, string[]> }): string[] {
  const endsIn = (path: string, end: string) => path === end || path.endsWith(`/${end}`);
  const candidates = (byStem.get(stemOf(basename(name))) ?? []).filter((path) => endsIn(stemOf(path), stemOf(name)));
  if (candidates.includes(name)) return [name];
  const exact = candidates.filter((path) => endsIn(path, name));
  return exact.length > 0 ? exact : candidates;
}

/** The source that a path's folders name. */
function sourceOfFolder(path: string): string | undefined {
  const folders = path.split('/').slice(0, -1).join('/').toLowerCase();
  return SOURCES.find((source) => folders.includes(source));
}
