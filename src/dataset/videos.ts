import { realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { ENDINGS, listVisuals } from './list-videos.js';
import { impossible, type Reading, readings, whyNotFound } from './video-names.js';
import type { NamedVisual } from './visual.js';

/** The sources of VAU-Bench: some of its files put them before a video's name (`ecva_17.mp4` is ECVA's `17.mp4`). */
export const SOURCES = ['ucf', 'ecva', 'msad'] as const;

/** The source that a name is prefixed with, and the name without it. */
export function splitSource(name: string): { source?: (typeof SOURCES)[number]; rest: string } {
  const source = SOURCES.find((known) => name.startsWith(`${known}_`));
  return { source, rest: source === undefined ? name : name.slice(source.length + 1) };
}

export const AMBIGUOUS = 'several files fit the name';

/** An absolute path, or the reason why there is none. */
export type Located = { path: string } | { problem: string };

export type Locate = (visual: Pick<NamedVisual, 'kind' | 'name'>) => Located;

/** A video or a picture below the folder. */
interface Listed {
  /** As the disk spells it, relative to the folder. */
  path: string;
  /** The same in Unicode's composed form: some disks and programs take letters with accents apart. */
  name: string;
}

/** The files of a kind: by their names without their endings, which are taken off by `stemOf`. */
interface Index {
  byStem: Map<string, Listed[]>;
  stemOf: (path: string) => string;
}

/**
 * Finds videos and pictures by the names that annotations give them, anywhere below one folder (which is listed once): as
 * the name says; else with another extension of its kind, or none in the name; else with the source's prefix taken off or put on.
 * A name cannot lead out of the folder, since what is not listed is not found.
 *
 * @param warn takes a sentence for each folder in it that cannot be read.
 * @throws DataError when the folder itself cannot be read.
 */
export async function indexVideos({
  folder,
  warn,
}: {
  folder: string;
  warn: (message: string) => void;
}): Promise<Locate> {
  const listed = await listVisuals({ folder, warn });
  const index = { video: indexOf('video', listed.video), image: indexOf('image', listed.image) };
  const folders = [...new Set([resolve(folder), await realpath(folder)])];
  return ({ kind, name }) => {
    for (const reading of readings({ name, folders })) {
      const found = spelledAs(search({ reading, ...index[kind] }), name);
      if (found.length > 1) return { problem: AMBIGUOUS };
      if (found[0] !== undefined) return { path: resolve(folder, found[0].path) };
    }
    return { problem: whyNotFound({ name, folders }) };
  };
}

function indexOf(kind: NamedVisual['kind'], paths: readonly string[]): Index {
  const stemOf = (path: string) => path.replace(ENDINGS[kind], '');
  const byStem: Index['byStem'] = new Map();
  for (const path of paths) {
    const name = path.normalize('NFC');
    const stem = stemOf(basename(name));
    byStem.set(stem, [...(byStem.get(stem) ?? []), { path, name }]);
  }
  return { byStem, stemOf };
}

/** Of files whose names differ in how accents are written, the one that is written as in the annotation. */
const spelledAs = (found: Listed[], name: string): Listed[] => {
  const exact = found.length > 1 ? found.filter(({ path }) => path.endsWith(basename(name))) : [];
  return exact.length === 1 ? exact : found;
};

/** Takes a name as it is where no folder of videos is known, unless it could be in none. */
export const asNamed: Locate = ({ name }) => {
  const problem = impossible(name);
  return problem === undefined ? { path: name } : { problem };
};

function search({ reading, ...index }: Index & { reading: Reading }): Listed[] {
  const found = withStem({ reading, ...index });
  if (found.length > 0) return found;
  const { name } = reading;
  const { source, rest } = splitSource(basename(name));
  const renamed = (change: (file: string) => string) =>
    withStem({ reading: { ...reading, name: name.replace(/[^/]*$/, (file) => change(file)) }, ...index });
  if (source === undefined) return SOURCES.flatMap((known) => renamed((file) => `${known}_${file}`));
  // Without its prefix a name may be another source's: folders that name their source decide.
  const candidates = renamed(() => rest);
  const own = candidates.filter(({ path }) => sourceOfFolder(path) === source);
  return own.length > 0 ? own : candidates.filter(({ path }) => sourceOfFolder(path) === undefined);
}

/** Files whose path ends in a name: the very path, else those with its extension too, else those with any. */
function withStem({ reading: { name, isWhole }, byStem, stemOf }: Index & { reading: Reading }): Listed[] {
  const endsIn = (path: string, end: string) => path === end || (!isWhole && path.endsWith(`/${end}`));
  const sameStem = byStem.get(stemOf(basename(name))) ?? [];
  const candidates = sameStem.filter((video) => endsIn(stemOf(video.name), stemOf(name)));
  const very = candidates.filter((video) => video.name === name);
  if (very.length > 0) return very;
  const exact = candidates.filter((video) => endsIn(video.name, name));
  return exact.length > 0 ? exact : candidates;
}

/** The source that a path names: before the video's name, or among its folders. */
export const sourceOfPath = (path: string): string | undefined =>
  splitSource(basename(path)).source ?? sourceOfFolder(path);

/** The source that a path's folders name. */
function sourceOfFolder(path: string): string | undefined {
  const folders = path.split('/').slice(0, -1).join('/').toLowerCase();
  return SOURCES.find((source) => folders.includes(source));
}
