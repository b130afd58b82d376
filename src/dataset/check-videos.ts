import type { Annotation } from './annotation.js';
import type { SeenVideo } from './segment-length.js';
import { NOT_FOUND, OUTSIDE, REMOTE } from './video-names.js';
import { AMBIGUOUS, type Located } from './videos.js';

/** The videos that an annotation file names. */
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

type Locate = (name: string) => Located;

/** The paths of the videos that are found, each once. */
export function locatedPaths({ rows, locate }: { rows: readonly Annotation[]; locate: Locate }): string[] {
  const located = rows.map(({ video }) => locate(video));
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
  const names = [...new Set(rows.map(({ video }) => video))];
  const located = names.map((name) => ({ name, result: locate(name) }));
  const failing = (reason: string) =>
    located.filter(({ result }) => 'problem' in result && result.problem === reason).map(({ name }) => name);
  const looked = located.flatMap(({ name, result }) => {
    const video = 'path' in result ? seen?.get(result.path) : undefined;
    return video === undefined ? [] : [{ name, video }];
  });
  return {
    names: names.length,
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
