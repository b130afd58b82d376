import { basename } from 'node:path';
import type { TaskName } from '../config/task-names.js';
import { DataError } from '../system/errors.js';
import { TASKS } from '../tasks/index.js';
import { type Annotation, type AnnotationFile, type LeftOut, partValue } from './annotation.js';
import { checkReasoning, type ReasoningReport } from './check-reasoning.js';
import { checkVideos, locatedPaths, type Seen, type VideosReport } from './check-videos.js';
import { LETTERS } from './choice.js';
import { sampleIds } from './ids.js';
import { type Overlap, overlaps } from './overlap.js';
import { formatOf, readAnnotations, type SourceFormat } from './read.js';
import type { OptionLetter, Sample, Segment } from './sample.js';
import { selectSamples } from './samples.js';
import { lengthProblem } from './segment-length.js';
import { tally } from './tally.js';
import { asNamed, indexVideos, type Locate, splitSource } from './videos.js';

/** What an annotation file has to offer, and what is wrong with it. */
export interface DatasetReport {
  file: string;
  source: SourceFormat;
  rows: number;
  /** Rows that say nothing that could be used. */
  unreadable: LeftOut[];
  /** What rows hold and no task uses: fields, columns and texts. */
  unused: LeftOut[];
  tasks: Record<TaskName, { usable: number; leftOut: LeftOut[] }>;
  /** Rows by what they say of time; `unusable`: times that cannot be. */
  segments: Record<Segment['kind'] | 'unusable', number>;
  /** Of the intervals, in seconds; absent where there are none. */
  times?: TimesReport;
  /** Rows by correct option. */
  answers: Record<OptionLetter, number>;
  /** Correct options that are spelled out (`D. text`), taken as their letter. */
  spelledOut: number;
  /** Rows by label. */
  classes: Record<string, number>;
  reasoning: ReasoningReport;
  /** Rows by the source that their video's name is prefixed with. */
  prefixes: Record<string, number>;
  /** Absent where no folder of videos was given. */
  videos?: VideosReport;
}

interface TimesReport {
  startsAtZero: number;
  endsAfterTenMinutes: number;
  latestEnd: number;
  shortest: number;
  median: number;
  longest: number;
}

interface CheckOptions {
  files: readonly string[];
  /** Left out: what a file's name suggests. */
  source?: SourceFormat;
  videos?: string;
  classes: readonly string[];
  /** Looks into videos, if that can be done here. Left out: none is opened. */
  lookAtVideos?: (paths: readonly string[]) => Promise<Seen | undefined>;
}

/**
 * Reports on files and on what they share. Where the folder of videos cannot be used, the report is of the annotations.
 *
 * @returns also `folderError`: what is wrong with the folder of videos
 * @throws DataError when a file as a whole cannot be used.
 */
export async function checkDataset({ files, source, videos, classes, lookAtVideos }: CheckOptions): Promise<{
  files: DatasetReport[];
  overlaps: Overlap[];
  folderError?: DataError;
  warnings: string[];
}> {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const index = videos === undefined ? undefined : await indexVideos({ folder: videos, warn }).catch(asDataError);
  const folderError = index instanceof DataError ? index : undefined;
  const locate = index instanceof DataError ? undefined : index;
  const reports: DatasetReport[] = [];
  const named: { file: string; videos: string[] }[] = [];
  for (const file of files) {
    const format = source ?? formatOf(file);
    const annotations = await readAnnotations({ source: format, file, classes });
    const seen = locate && (await lookAtVideos?.(locatedPaths({ rows: annotations.annotations, locate })));
    reports.push(checkAnnotations({ annotations, source: format, locate, seen }));
    named.push({ file, videos: annotations.annotations.flatMap(({ visuals }) => visuals.map(({ name }) => name)) });
  }
  return { files: reports, overlaps: overlaps(named), folderError, warnings };
}

function asDataError(error: unknown): DataError {
  if (error instanceof DataError) return error;
  throw error;
}

interface FileOptions {
  annotations: AnnotationFile;
  source: SourceFormat;
  /** Left out: no video is looked for. */
  locate?: Locate;
  /** Left out: none was looked into. */
  seen?: Seen;
}

function checkAnnotations({ annotations, source, locate, seen }: FileOptions): DatasetReport {
  const rows = annotations.annotations;
  const [idOf] = sampleIds({ sources: [{ annotations: annotations.file }] });
  const problems: string[] = [];
  const refuse = (sample: Sample): string | undefined => {
    const looked = sample.visuals.flatMap(({ file }) => seen?.get(file) ?? []);
    if (looked.some((video) => 'problem' in video)) return 'the video cannot be read';
    const [video] = looked;
    if (video === undefined || 'problem' in video) return undefined;
    const problem = lengthProblem({ sample, video });
    if (problem) problems.push(problem.message);
    return problem?.reason;
  };
  const tasks = TASKS.map(({ name: task }) => {
    const { samples, leftOut } = selectSamples({ annotations, task, locate: locate ?? asNamed, idOf: idOf!, refuse });
    return [task, { usable: samples.length, leftOut }] as const;
  });
  const choices = rows.flatMap(({ choice }) => partValue(choice) ?? []);
  return {
    file: annotations.file,
    source,
    rows: annotations.rows,
    unreadable: annotations.leftOut,
    unused: annotations.unused,
    tasks: Object.fromEntries(tasks) as DatasetReport['tasks'],
    segments: { interval: 0, normal: 0, unknown: 0, unusable: 0, ...tally(rows.map(segmentKind)) },
    times: timesOf(rows),
    answers: Object.fromEntries(
      LETTERS.map((letter) => [letter, choices.filter(({ answer }) => answer === letter).length]),
    ) as Record<OptionLetter, number>,
    spelledOut: choices.filter(({ spelledOut }) => spelledOut).length,
    classes: tally(rows.flatMap((row) => partValue(row.class) ?? [])),
    reasoning: checkReasoning(rows),
    prefixes: tally(
      rows.flatMap(({ visuals }) => visuals.flatMap(({ name }) => splitSource(basename(name)).source ?? [])),
    ),
    videos: locate && checkVideos({ rows, locate, seen, problems }),
  };
}

const segmentKind = ({ segment }: Annotation) => partValue(segment)?.kind ?? 'unusable';

function timesOf(rows: readonly Annotation[]): TimesReport | undefined {
  const segments = rows.flatMap(({ segment }) => partValue(segment) ?? []);
  const intervals = segments.filter((segment) => segment.kind === 'interval');
  if (intervals.length === 0) return undefined;
  const lengths = intervals.map(({ start, end }) => end - start).sort((a, b) => a - b);
  const middle = lengths.length >> 1;
  return {
    startsAtZero: intervals.filter(({ start }) => start === 0).length,
    endsAfterTenMinutes: intervals.filter(({ end }) => end > 600).length,
    latestEnd: Math.max(...intervals.map(({ end }) => end)),
    shortest: lengths[0]!,
    median: lengths.length % 2 === 1 ? lengths[middle]! : (lengths[middle - 1]! + lengths[middle]!) / 2,
    longest: lengths.at(-1)!,
  };
}
