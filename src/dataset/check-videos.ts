import type { Annotation } from './annotation.js';
import type { SeenVideo } from './segment-length.js';
import { NOT_FOUND, OUTSIDE, REMOTE } from './video-names.js';
import { AMBIGUOUS, type Locate } from './videos.js';

/** The videos and pictures that an annotation file names; only videos are looked into. */
export interface VideosReport {
  names: number;
  found: number;
  missing: string[];
  ambiguous: string[];
  /** They lead out of the folder. */
  refused: string[];
  /** They are web addresses. */
  remote: string[];
  /** Absent where no video was looked into. */
  seen?: {
    /** Names of videos that cannot be read, with what is wrong. */
    unreadable: { name: string; problem: string }[];
    /** Names of videos that lack a part: cut off, or damaged. */
    cutOff: string[];
    /** What is wrong between annotations and videos, a sentence for each sample. */
    problems: string[];
  };
}

/** What was found in a video file, or why nothing. */
export type LookedAt = SeenVideo | { problem: string };

/** What was found in each video, by its path. */
export type Seen = ReadonlyMap<string, LookedAt>;

/** The paths of the videos that are found, each once. */
export function locatedPaths({ rows, locate }: { rows: readonly Annotation[]; locate: Locate }): string[] {
  const videos = rows.flatMap(({ visuals }) => visuals.filter(({ kind }) => kind === 'video'));
  const located = videos.map(locate);
  return [...new Set(located.flatMap((found) => ('path' in found ? found.path : [])))];
}

interface VideosOptions {
  rows: readonly Annotation[];
  locate: Locate;
  seen?: Seen;
  /** What is wrong between annotations and videos. */
  problems: string[];
}

export function checkVideos({ rows, locate, seen, problems }: VideosOptions): VideosReport {
  const named = new Map(rows.flatMap(({ visuals }) => visuals.map((one) => [`${one.kind} ${one.name}`, one])));
  const located = [...named.values()].map((one) => ({ ...one, result: locate(one) }));
  const failing = (reason: string) =>
    located.filter(({ result }) => 'problem' in result && result.problem === reason).map(({ name }) => name);
  const looked = located.flatMap(({ name, result }) => {
    const video = 'path' in result ? seen?.get(result.path) : undefined;
    return video === undefined ? [] : [{ name, video }];
  });
  return {
    names: named.size,
    found: located.filter(({ result }) => 'path' in result).length,
    missing: failing(NOT_FOUND),
    ambiguous: failing(AMBIGUOUS),
    refused: failing(OUTSIDE),
    remote: failing(REMOTE),
    ...(seen && {
      seen: {
        unreadable: looked.flatMap(({ name, video }) => ('problem' in video ? { name, problem: video.problem } : [])),
        cutOff: looked.flatMap(({ name, video }) => ('isCut' in video && video.isCut ? name : [])),
        problems,
      },
    }),
  };
}
