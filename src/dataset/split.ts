import { basename } from 'node:path';
import { groupBy } from '../system/group-by.js';
import { permutation, textKey } from '../system/random.js';
import { type Annotation, partValue } from './annotation.js';
import { splitSource } from './videos.js';

/** A part of a dataset. */
export interface Split {
  name: string;
  annotations: Annotation[];
}

interface SplitOptions {
  annotations: readonly Annotation[];
  /** How much of it each part gets, relative to the others. */
  parts: readonly { name: string; share: number }[];
  /**
   * Names the source of a video by its first group: clips that were cut from one video stay together. Left out: by the
   * video's name, without folder, ending and VAU-Bench's prefix.
   */
  source?: RegExp;
  seed: number;
}

/**
 * Parts that share no source video, each class in the same shares as far as whole videos allow: which goes where depends
 * on the seed and on the names alone.
 */
export function splitDataset({ annotations, parts, source, seed }: SplitOptions): Split[] {
  const videos = [...groupBy(annotations, (row) => sourceVideo(row, source))].map(([name, rows]) => ({ name, rows }));
  const strata = groupBy(videos, ({ rows }) => kindOf(rows[0]!));
  const total = parts.reduce((sum, { share }) => sum + share, 0);
  const partOf = new Map<string, number>();
  // What one class could not give a part, by whole videos, the next ones make good.
  const owed = parts.map(() => 0);
  for (const [kind, members] of [...strata].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const sorted = members.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const i of permutation(sorted.length, seed, textKey(kind))) {
      for (const [p, { share }] of parts.entries()) owed[p]! += share / total;
      const most = owed.indexOf(Math.max(...owed));
      owed[most]! -= 1;
      partOf.set(sorted[i]!.name, most);
    }
  }
  return parts.map(({ name }, p) => ({
    name,
    annotations: annotations.filter((row) => partOf.get(sourceVideo(row, source)) === p),
  }));
}

/** What it is about: its class, else whether anything abnormal happens. */
const kindOf = (row: Annotation): string => partValue(row.class) ?? partValue(row.segment)?.kind ?? 'unknown';

function sourceVideo({ visuals }: Annotation, source: RegExp | undefined): string {
  const [first] = visuals;
  const name = splitSource(basename(first?.name ?? '')).rest.replace(/\.[^.]+$/, '');
  return source === undefined ? name : (source.exec(first?.name ?? '')?.[1] ?? name);
}
