import { z } from 'zod';
import type { Annotation, AnnotationFile, Part } from './annotation.js';
import { choiceOf } from './choice.js';
import { classOf } from './classes.js';
import { LeftOutRows } from './left-out.js';
import { type Segment, TASKS } from './sample.js';
import { intervalOf } from './segment.js';
import { readTextFile } from './text-file.js';

/** A key that is absent or null says nothing. */
const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

/** One line of a `jsonl` source; keys beyond these are ignored. */
const lineSchema = z.object({
  id: maybe(z.union([z.string().min(1), z.number()])),
  video: z.string().trim().min(1),
  task: maybe(z.enum(TASKS)),
  question: maybe(z.string()),
  options: maybe(z.array(z.string())),
  answer: maybe(z.string()),
  /** Seconds; or `normal`. */
  segment: maybe(z.union([z.literal('normal'), z.tuple([z.number(), z.number()])])),
  class: maybe(z.string()),
  key_object: maybe(z.string()),
  description: maybe(z.string()),
  reasoning: maybe(z.string()),
});
type Line = z.output<typeof lineSchema>;
/** A line as it is written. */
export type JsonlLine = z.input<typeof lineSchema>;

/**
 * Reads an annotation file with one JSON object a line.
 * @throws DataError when the file cannot be read.
 */
export async function readJsonl({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const leftOut = new LeftOutRows();
  const annotations: Annotation[] = [];
  const ids = new Set<string>();
  let rows = 0;
  for (const [index, text] of (await readTextFile(file)).split(/\r\n|\n|\r/).entries()) {
    if (text.trim() === '') continue;
    rows += 1;
    const parsed = parseLine(text);
    if ('problem' in parsed) {
      leftOut.add({ reason: parsed.problem, row: index + 1 });
      continue;
    }
    const annotation = annotationOf({ line: index + 1, value: parsed.value, classes });
    if (annotation.id !== undefined && ids.has(annotation.id)) {
      leftOut.add({ reason: 'the id occurs twice', row: index + 1 });
      continue;
    }
    if (annotation.id !== undefined) ids.add(annotation.id);
    annotations.push(annotation);
  }
  return { file, rows, annotations, leftOut: leftOut.list() };
}

function parseLine(text: string): Part<Line> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'not JSON' };
  }
  const { success, data, error } = lineSchema.safeParse(json);
  if (success) return { value: data };
  const key = error.issues[0]?.path[0];
  return { problem: key === undefined ? 'not a JSON object' : `“${String(key)}” is missing or of the wrong form` };
}

function annotationOf({ line, value, classes }: { line: number; value: Line; classes: readonly string[] }): Annotation {
  const trimmed = (text: string | undefined) => text?.trim() ?? '';
  return {
    line,
    id: value.id === undefined ? undefined : String(value.id),
    video: value.video,
    task: value.task,
    choice: choiceOf({
      question: trimmed(value.question),
      options: (value.options ?? []).map(trimmed),
      answer: trimmed(value.answer),
    }),
    segment: segmentOf(value.segment),
    class: classOf({ label: trimmed(value.class), classes }),
    keyObject: trimmed(value.key_object) || undefined,
    description: trimmed(value.description) || undefined,
    reasoning: trimmed(value.reasoning) || undefined,
  };
}

function segmentOf(segment: Line['segment']): Part<Segment> {
  if (segment === undefined) return { value: { kind: 'unknown' } };
  if (segment === 'normal') return { value: { kind: 'normal' } };
  return intervalOf({ start: segment[0], end: segment[1] });
}
