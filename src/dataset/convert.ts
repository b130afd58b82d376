import { stringify } from 'csv-stringify/sync';
import type { TaskName } from '../config/task-names.js';
import { type Annotation, type LeftOut, oddParts, type Part, partValue } from './annotation.js';
import type { JsonlLine } from './jsonl.js';
import { LeftOutRows } from './left-out.js';
import type { Segment } from './sample.js';
import { VAU_BENCH_COLUMNS, type VauBenchColumn } from './vau-bench.js';
import { type NamedVisual, onlyVideo } from './visual.js';

/** Formats that are written. */
export const WRITTEN_FORMATS = ['vau-bench', 'jsonl'] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

const WRITERS: Record<WrittenFormat, (annotations: readonly Annotation[]) => string> = {
  jsonl: (annotations) => annotations.map((annotation) => `${JSON.stringify(jsonlLine(annotation))}\n`).join(''),
  'vau-bench': (annotations) => stringify([[...VAU_BENCH_COLUMNS], ...annotations.map(vauBenchRow)]),
};

/** The text of an annotation file. Parts that are unusable are left out of their rows. */
export const writeAnnotations = ({
  annotations,
  format,
}: {
  annotations: readonly Annotation[];
  format: WrittenFormat;
}) => WRITERS[format](annotations);

/** The parts of rows that are unusable, or that the format has no place for, and so are not written. */
export function unwritten(annotations: readonly Annotation[], format: WrittenFormat): LeftOut[] {
  const rows = new LeftOutRows();
  for (const annotation of annotations)
    for (const reason of [...oddParts(annotation), ...unsayable(annotation, format)])
      rows.add({ reason, row: annotation.line });
  return rows.list();
}

/** VAU-Bench's columns name one video, whole. */
function unsayable({ visuals, hardNormal }: Annotation, format: WrittenFormat): string[] {
  if (format !== 'vau-bench') return [];
  const video = onlyVideo(visuals);
  if (video === undefined) return ['VAU-Bench has one video a row, and no pictures'];
  return [
    ...(video.part === undefined ? [] : ['VAU-Bench has whole videos only']),
    ...(hardNormal ? ['VAU-Bench has no place for hard_normal'] : []),
  ];
}

/** JSON leaves out keys that are undefined. */
function jsonlLine({ id, visuals, task, ...parts }: Annotation): JsonlLine {
  const choice = partValue(parts.choice);
  const named = (kind: NamedVisual['kind']) => {
    const names = visuals.flatMap((one) => (one.kind === kind ? one.name : []));
    return names.length > 1 ? names : names[0];
  };
  const part = visuals.find((one) => one.part !== undefined)?.part;
  return {
    id,
    image: named('image'),
    video: named('video'),
    video_start: part?.start,
    video_end: part?.end,
    task,
    question: choice?.question,
    options: choice?.options,
    answer: choice?.answer,
    segment: jsonlSegment(parts.segment),
    class: partValue(parts.class),
    key_object: parts.keyObject,
    hard_normal: parts.hardNormal,
    description: parts.description,
    reasoning: parts.reasoning,
  };
}

function jsonlSegment(part: Part<Segment>): JsonlLine['segment'] {
  const segment = partValue(part);
  if (segment?.kind === 'interval') return [segment.start, segment.end];
  return segment?.kind === 'normal' ? 'normal' : undefined;
}

/** A CSV row cannot say which task it is for: what other tasks would ask for is left out of it (`-1`). */
function vauBenchRow(annotation: Annotation): string[] {
  const serves = (task: TaskName) => annotation.task === undefined || annotation.task === task;
  const choice = serves('qa') ? partValue(annotation.choice) : undefined;
  const [start, end] = vauBenchTimes(serves('tag') ? partValue(annotation.segment) : undefined);
  const [a, b, c, d] = choice?.options ?? [];
  const cells: Record<VauBenchColumn, string | undefined> = {
    'Video Name': onlyVideo(annotation.visuals)?.name,
    Question: choice?.question,
    'Option 1': a,
    'Option 2': b,
    'Option 3': c,
    'Option 4': d,
    'Correct Option': choice?.answer,
    'Key Object': annotation.keyObject,
    Description: annotation.description,
    Reasoning: annotation.reasoning,
    'Anomaly Class': serves('cls') ? partValue(annotation.class) : undefined,
    'Start Time': start,
    'End Time': end,
  };
  return VAU_BENCH_COLUMNS.map((column) => cells[column] ?? '-1');
}

function vauBenchTimes(segment: Segment | undefined): [string, string] {
  const text = (time: number) => (Number.isInteger(time) ? time.toFixed(1) : String(time));
  if (segment?.kind === 'interval') return [text(segment.start), text(segment.end)];
  return segment?.kind === 'normal' ? ['0.0', '0.0'] : ['-1.0', '-1.0'];
}
