import { z } from 'zod';
import { DataError } from '../system/errors.js';
import type { Annotation, AnnotationFile, Part } from './annotation.js';
import { classOf, NORMAL_CLASS } from './classes.js';
import { LeftOutRows } from './left-out.js';
import type { Segment } from './sample.js';
import { intervalOf } from './segment.js';
import { readTextFile } from './text-file.js';

const videoSchema = z.object({
  label: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
  /** Seconds. */
  events: z.array(z.tuple([z.number(), z.number()])).default([]),
  video_summary: z.string().optional().catch(undefined),
});

/** Labels of UCF-Crime, as VAU-Bench calls them. */
const RENAMED: Readonly<Record<string, string>> = {
  Burglary: 'Stealing',
  Shoplifting: 'Stealing',
  RoadAccidents: 'Traffic_accident',
};

/**
 * Reads a file of HIVAU-70k's raw annotations (`raw_annotations/ucf_database_train.json` and its like): an object with a
 * video by each name, its `label` and its `events` in seconds. A video with several events has no one segment, and serves
 * other tasks only. What else is there (clips and captions of events) is not used.
 *
 * @throws DataError when the file is no such object
 */
export async function readHivau({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const videos = await objectOf(file);
  const leftOut = new LeftOutRows();
  const annotations = videos.flatMap(([name, value], i): Annotation[] => {
    const row = i + 1;
    const parsed = videoSchema.safeParse(value);
    if (parsed.success) return [annotationOf({ row, name, video: parsed.data, classes })];
    leftOut.add({ reason: 'no “label”, or “events” that are not [start, end]', row });
    return [];
  });
  return { file, rows: videos.length, annotations, leftOut: leftOut.list(), unused: [] };
}

async function objectOf(file: string): Promise<[string, unknown][]> {
  const text = await readTextFile(file);
  try {
    return Object.entries(z.record(z.string(), z.unknown()).parse(JSON.parse(text)));
  } catch (cause) {
    const message = `${file}: it is not a JSON object with a video by each name, as HIVAU-70k’s raw annotations are`;
    throw new DataError({ code: 'DATA_FORMAT', message, cause });
  }
}

function annotationOf(args: {
  row: number;
  name: string;
  video: z.output<typeof videoSchema>;
  classes: readonly string[];
}): Annotation {
  const { row, name, video, classes } = args;
  const labels = [...new Set(video.label.map((label) => RENAMED[label] ?? label))];
  const label: Part<string> =
    labels.length === 1
      ? classOf({ label: labels[0]!, classes })
      : { problem: 'several classes, where one can be used' };
  const isNormal = labels.length === 1 && /^normal/i.test(labels[0]!);
  return {
    line: row,
    id: name,
    visuals: [{ kind: 'video', name }],
    choice: { absent: 'no question' },
    segment: isNormal ? { value: { kind: 'normal' } } : segmentOf(video.events),
    class: isNormal && 'problem' in label ? { value: NORMAL_CLASS } : label,
    description: video.video_summary,
  };
}

function segmentOf(events: readonly [number, number][]): Part<Segment> {
  const [first, ...others] = events;
  if (first === undefined) return { absent: 'no events' };
  if (others.length > 0) return { problem: 'several segments, where one can be used' };
  return intervalOf({ start: first[0], end: first[1] });
}
