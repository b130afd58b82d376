import { basename } from 'node:path';
import { splitSource } from './videos.js';

export interface Overlap {
  files: [string, string];
  /** Video names that both files have, as the first spells them. */
  videos: string[];
}

/** Videos that two files share, prefixes and folders aside: a held-out file should share none with a training file. */
export function overlaps(files: readonly { file: string; videos: readonly string[] }[]): Overlap[] {
  const bare = (name: string) => splitSource(basename(name)).rest;
  return files.flatMap((first, i) =>
    files.slice(i + 1).flatMap((second) => {
      const others = new Set(second.videos.map(bare));
      const shared = [...new Set(first.videos.filter((name) => others.has(bare(name))))];
      return shared.length === 0 ? [] : [{ files: [first.file, second.file] as [string, string], videos: shared }];
    }),
  );
}
