import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const NOT_FOUND = 'video not found';
export const OUTSIDE = 'the video name leads out of the folder of videos';
export const REMOTE = 'the video name is a web address, not a file of the folder of videos';

/** A path below the folder of videos that an annotated name may mean. */
export interface Reading {
  /** With `/` between its parts, in Unicode's composed form. */
  name: string;
  /** It begins in the folder itself; else in any folder below it. */
  isWhole: boolean;
}

/**
 * What a name may mean, the most literal first: as it stands; with Windows' separators, spaces around it or `file:`
 * before it; an absolute path into the folder; a path that begins with the folder's own name.
 *
 * @param folders absolute paths of the folder of videos: as it was named, and where links lead.
 */
export function readings({ name, folders }: { name: string; folders: readonly string[] }): Reading[] {
  const found = spellings(name).flatMap((path): Reading[] => {
    const inside = folders.flatMap((folder) => relativeTo({ path, folder }) ?? []);
    const own = folders.flatMap((folder) => afterOwnName({ path, folder }) ?? []);
    const whole = [...inside, ...own].map((one) => ({ name: one, isWhole: true }));
    return isAbsolute(path) || leavesUpwards(path)
      ? whole
      : [{ name: posix.normalize(path), isWhole: false }, ...whole];
  });
  return found.map((reading) => ({ ...reading, name: reading.name.normalize('NFC') }));
}

/** Why a name means no video that is there. */
export function whyNotFound({ name, folders }: { name: string; folders: readonly string[] }): string {
  if (readings({ name, folders }).some(({ isWhole }) => isWhole)) return NOT_FOUND;
  return impossible(name) ?? (spellings(name).some(isAbsolute) ? OUTSIDE : NOT_FOUND);
}

/** Why a name could be in no folder of videos whatever; undefined for any other. */
export function impossible(name: string): string | undefined {
  if (isRemote(name)) return REMOTE;
  return spellings(name).some(leavesUpwards) ? OUTSIDE : undefined;
}

function spellings(name: string): string[] {
  const trimmed = name.trim();
  return [...new Set([name, trimmed, withoutScheme(trimmed), trimmed.replaceAll('\\', '/')])];
}

/** `file:///a%20b.mp4` is a URL, `file:a.mp4` what ffmpeg takes. */
function withoutScheme(name: string): string {
  if (!/^file:/i.test(name)) return name;
  try {
    return /^file:\//i.test(name) ? fileURLToPath(name) : name.slice(5);
  } catch {
    return name;
  }
}

const isRemote = (name: string) => /^\s*[a-z][a-z0-9+.-]*:\/\//i.test(name) && !/^\s*file:/i.test(name);
const isAbsolute = (path: string) => path.startsWith('/') || /^[a-z]:[\\/]/i.test(path);
const leavesUpwards = (path: string) => posix.normalize(path).split('/')[0] === '..';

function relativeTo({ path, folder }: { path: string; folder: string }): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const relative = posix.relative(folder, path);
  return relative === '' || leavesUpwards(relative) ? undefined : relative;
}

/** `clips/cam1/a.mp4`, where the folder of videos is `…/clips`. */
function afterOwnName({ path, folder }: { path: string; folder: string }): string | undefined {
  const parts = posix.normalize(path).split('/');
  const own = folder.split('/').filter((part) => part !== '');
  for (let count = Math.min(own.length, parts.length - 1); count > 0; count -= 1) {
    const isOwn = own.slice(-count).every((part, i) => part.normalize('NFC') === parts[i]!.normalize('NFC'));
    if (isOwn) return parts.slice(count).join('/');
  }
  return undefined;
}
