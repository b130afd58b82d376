import { basename } from 'node:path';
import { groupBy } from '../system/group-by.js';
import { type AnnotationFile, partValue } from './annotation.js';
import { contentDigests } from './content-digest.js';
import { type Overlap, overlaps } from './overlap.js';
import { formatOf, readAnnotations, type SourceFormat } from './read.js';
import { tally } from './tally.js';
import { type Locate, splitSource } from './videos.js';

/** What a paper tabulates of an annotation file. */
export interface FileStats {
  file: string;
  rows: number;
  /** Distinct ones. */
  videos: number;
  /** Of videos that are there; undefined where no folder is known. */
  hours?: number;
  /** Distinct videos that were not found. */
  missing?: number;
  qa_pairs: number;
  /** Of questions, options, descriptions and reasoning; `per_video`, their mean. */
  words: { total: number; per_video: number };
  anomalous: number;
  normal: number;
  /** Of the annotated segments, in seconds. */
  segments?: { count: number; total: number; shortest: number; median: number; mean: number; longest: number };
  classes: Record<string, number>;
  sources: Record<string, number>;
  /** Names of videos that several rows have, with how many. */
  repeated: Record<string, number>;
}

/** Files of videos that hold the same, under several names. */
export interface SameContent {
  names: { file: string; name: string }[];
  /** They are of several annotation files: what is learned from one is known in the other. */
  across: boolean;
}

interface StatsOptions {
  files: readonly string[];
  source?: SourceFormat;
  classes: readonly string[];
  /** Finds videos, and says how long one is (seconds); left out, none is looked at. */
  videos?: { locate: Locate; durationOf: (path: string) => Promise<number | undefined> };
}

/** Statistics of annotation files, and what they share: by the names of videos and, where these are there, by content. */
export async function datasetStats({ files, source, classes, videos }: StatsOptions): Promise<{
  files: FileStats[];
  /** Names that two files share. */
  overlaps: Overlap[];
  same_content: SameContent[];
}> {
  const read: AnnotationFile[] = [];
  for (const file of files) read.push(await readAnnotations({ source: source ?? formatOf(file), file, classes }));
  const named = read.map(({ file, annotations }) => ({
    file,
    videos: annotations.flatMap(({ visuals }) => visuals.map(({ name }) => name)),
  }));
  const stats: FileStats[] = [];
  for (const [i, one] of read.entries()) stats.push(await statsOf(one, named[i]!.videos, videos));
  return {
    files: stats,
    overlaps: overlaps(named),
    same_content: videos === undefined ? [] : await sameContent(named, videos.locate),
  };
}

async function statsOf(
  { file, rows, annotations }: AnnotationFile,
  names: readonly string[],
  videos: StatsOptions['videos'],
): Promise<FileStats> {
  const distinct = [...new Set(names)];
  const choices = annotations.flatMap(({ choice }) => partValue(choice) ?? []);
  const texts = [
    ...choices.flatMap(({ question, options }) => [question, ...options]),
    ...annotations.flatMap(({ description = '', reasoning = '' }) => [description, reasoning]),
  ];
  const total = texts.reduce((sum, text) => sum + (text.match(/\S+/g)?.length ?? 0), 0);
  const segments = annotations.flatMap(({ segment }) => partValue(segment) ?? []);
  const lengths = segments.flatMap((one) => (one.kind === 'interval' ? one.end - one.start : []));
  return {
    file,
    rows,
    videos: distinct.length,
    ...(videos && (await hoursOf(distinct, videos))),
    qa_pairs: choices.length,
    words: { total, per_video: distinct.length === 0 ? 0 : total / distinct.length },
    anomalous: lengths.length,
    normal: segments.filter(({ kind }) => kind === 'normal').length,
    ...(lengths.length > 0 && { segments: lengthStats(lengths) }),
    classes: tally(annotations.flatMap((row) => partValue(row.class) ?? [])),
    sources: tally(distinct.flatMap((name) => splitSource(basename(name)).source ?? [])),
    repeated: Object.fromEntries(Object.entries(tally(names)).filter(([, count]) => count > 1)),
  };
}

async function hoursOf(names: readonly string[], { locate, durationOf }: NonNullable<StatsOptions['videos']>) {
  let [seconds, missing] = [0, 0];
  for (const name of names) {
    const found = locate({ kind: 'video', name });
    const duration = 'path' in found ? await durationOf(found.path) : undefined;
    if (duration === undefined) missing += 1;
    else seconds += duration;
  }
  return { hours: seconds / 3600, missing };
}

function lengthStats(lengths: readonly number[]): NonNullable<FileStats['segments']> {
  const sorted = lengths.toSorted((a, b) => a - b);
  const total = sorted.reduce((sum, length) => sum + length, 0);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return {
    count: sorted.length,
    total,
    shortest: sorted[0]!,
    median,
    mean: total / sorted.length,
    longest: sorted.at(-1)!,
  };
}

async function sameContent(
  files: readonly { file: string; videos: readonly string[] }[],
  locate: Locate,
): Promise<SameContent[]> {
  const places = files.flatMap(({ file, videos }) =>
    [...new Set(videos)].flatMap((name) => {
      const found = locate({ kind: 'video', name });
      return 'path' in found ? { file, name, path: found.path } : [];
    }),
  );
  const digests = await contentDigests([...new Set(places.map(({ path }) => path))]);
  const groups = groupBy(
    places.filter(({ path }) => digests.has(path)),
    ({ path }) => digests.get(path)!,
  );
  return [...groups.values()]
    .filter((group) => new Set(group.map(({ path }) => path)).size > 1)
    .map((group) => ({
      names: group.map(({ file, name }) => ({ file, name })),
      across: new Set(group.map(({ file }) => file)).size > 1,
    }));
}
