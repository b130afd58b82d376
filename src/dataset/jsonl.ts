import { z } from 'zod';
import { TASK_NAMES, type TaskName } from '../config/task-names.js';
import type { Annotation, AnnotationFile, MultipleChoice, Part } from './annotation.js';
import { choiceOf } from './choice.js';
import { classOf } from './classes.js';
import { parseJsonLine, refuseWholeJson } from './json-text.js';
import { LeftOutRows } from './left-out.js';
import type { OptionLetter } from './sample.js';
import { segmentOfJson } from './segment.js';
import { filledLines, readTextFile } from './text-file.js';
import { unknownNames, usableText } from './unused.js';
import type { NamedVisual } from './visual.js';

/** A key that is absent or null says nothing. */
const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);
const text = () => maybe(z.string().trim());

const name = () => z.string().trim().min(1);
/** One, or a list of some. */
const names = () => maybe(z.union([name().transform((one) => [one]), z.array(name()).min(1)]));
const seconds = () => maybe(z.number().nonnegative());

const FIELDS = {
  id: maybe(z.union([z.string().min(1), z.number()]).transform(String)),
  video: names(),
  image: names(),
  video_start: seconds(),
  video_end: seconds(),
  task: maybe(z.enum(TASK_NAMES)),
  question: text(),
  options: maybe(
    z.union([
      z.array(z.string().trim()),
      z.strictObject({ A: z.string(), B: z.string(), C: z.string(), D: z.string() }).transform(Object.values<string>),
    ]),
  ),
  answer: maybe(z.union([z.string().trim(), z.number().transform(String)])),
  /** `[start, end]` in seconds, or `normal`. */
  segment: z.unknown(),
  class: text(),
  key_object: text(),
  hard_normal: maybe(z.boolean()),
  description: text(),
  reasoning: text(),
};
type Field = keyof typeof FIELDS;
type Fields = z.output<z.ZodObject<typeof FIELDS>>;

/** A line as we write it. */
export interface JsonlLine {
  id?: string;
  video?: string | string[];
  image?: string | string[];
  /** Seconds: the part of the video that is shown. */
  video_start?: number;
  video_end?: number;
  task?: TaskName;
  question?: string;
  options?: string[];
  answer?: OptionLetter;
  segment?: [number, number] | 'normal';
  class?: string;
  key_object?: string;
  hard_normal?: true;
  description?: string;
  reasoning?: string;
}

/** A line as it is read: its fields, those of the wrong form, and those that nobody knows. */
interface Line {
  fields: Fields;
  odd: Set<Field>;
  unknown: string[];
}

/**
 * Reads an annotation file with one JSON object a line.
 * @throws DataError when the file cannot be read, or is JSON of another form.
 */
export async function readJsonl({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const whole = await readTextFile(file);
  refuseWholeJson({ file, text: whole });
  const records = filledLines(whole).map(({ row, line }): ReadRecord => ({ row, ...parseObject(line) }));
  return annotationsOf({ file, records, classes });
}

/** A record of a file, or why it is none. */
export type ReadRecord = { row: number } & ({ record: Record<string, unknown> } | { problem: string });

/** Records with the fields of a `jsonl` source, wherever they come from. */
export function annotationsOf({
  file,
  records,
  classes,
}: {
  file: string;
  records: readonly ReadRecord[];
  classes: readonly string[];
}): AnnotationFile {
  const leftOut = new LeftOutRows();
  const unused = new LeftOutRows();
  const annotations: Annotation[] = [];
  const ids = new Set<string>();
  const unknown = unknownNames({ what: 'field', known: Object.keys(FIELDS) });
  for (const { row, ...read } of records) {
    const parsed = 'problem' in read ? read : lineOf(read.record);
    if ('value' in parsed) {
      const { id } = parsed.value.fields;
      if (id !== undefined && ids.has(id)) leftOut.add({ reason: 'the id occurs twice', row });
      else annotations.push(annotationOf({ row, line: parsed.value, classes, unused }));
      if (id !== undefined) ids.add(id);
      for (const name of parsed.value.unknown) unused.add({ reason: unknown(name), row });
    } else leftOut.add({ reason: parsed.problem, row });
  }
  return { file, rows: records.length, annotations, leftOut: leftOut.list(), unused: unused.list() };
}

/** The JSON object of a line. */
export function parseObject(text: string): { record: Record<string, unknown> } | { problem: string } {
  let json: unknown;
  try {
    json = parseJsonLine(text);
  } catch {
    return { problem: 'not JSON' };
  }
  const object = z.record(z.string(), z.unknown()).safeParse(json);
  return object.success ? { record: object.data } : { problem: 'not a JSON object' };
}

function lineOf(record: Record<string, unknown>): { value: Line } | { problem: string } {
  const odd = new Set<Field>();
  const fields = Object.entries(FIELDS).map(([name, schema]) => {
    const { success, data } = schema.safeParse(record[name]);
    if (!success) odd.add(name as Field);
    return [name, data];
  });
  const fieldsOfAll = Object.fromEntries(fields) as Fields;
  const problem = visualProblem({ fields: fieldsOfAll, odd });
  if (problem !== undefined) return { problem };
  if (odd.has('task')) return { problem: `“task” is none of ${TASK_NAMES.join(', ')}` };
  const unknown = Object.keys(record).filter((name) => !Object.hasOwn(FIELDS, name));
  return { value: { fields: fieldsOfAll, odd, unknown } };
}

const wrongForm = (name: Field) => `“${name}” is missing or of the wrong form`;

/** Why a line shows nothing, or not what it says. */
function visualProblem({ fields, odd }: Pick<Line, 'fields' | 'odd'>): string | undefined {
  const wrong = (['video', 'image', 'video_start', 'video_end'] as const).find((field) => odd.has(field));
  if (wrong !== undefined) return wrongForm(wrong);
  const { video = [], image = [], video_start: start, video_end: end } = fields;
  if (video.length + image.length === 0) return wrongForm('video');
  if (start === undefined && end === undefined) return undefined;
  if (video.length !== 1) return '“video_start” and “video_end” go with one video';
  return end !== undefined && end <= (start ?? 0) ? '“video_end” is not after “video_start”' : undefined;
}

/** Pictures first, then videos, each in their order. */
function visualsOf({ video = [], image = [], video_start: start, video_end: end }: Fields): NamedVisual[] {
  const part = start === undefined && end === undefined ? undefined : { start: start ?? 0, end };
  return [
    ...image.map((name) => ({ kind: 'image' as const, name })),
    ...video.map((name) => ({ kind: 'video' as const, name, part })),
  ];
}

interface Row {
  row: number;
  line: Line;
  classes: readonly string[];
  /** Takes what the line says and nobody can use. */
  unused: LeftOutRows;
}

function annotationOf({ row, line: { fields, odd }, classes, unused }: Row): Annotation {
  if (odd.has('id')) unused.add({ reason: 'the id is neither a text nor a number', row });
  const described = (name: 'key_object' | 'description' | 'reasoning') => {
    if (odd.has(name)) unused.add({ reason: wrongForm(name), row });
    return usableText({ what: `“${name}”`, text: fields[name], row, unused });
  };
  return {
    line: row,
    id: fields.id,
    visuals: visualsOf(fields),
    task: fields.task,
    choice: choiceOfLine({ fields, odd }),
    segment: segmentOfJson(fields.segment),
    class: odd.has('class') ? { problem: wrongForm('class') } : classOf({ label: fields.class ?? '', classes }),
    keyObject: described('key_object'),
    ...hardNormal({ row, fields, odd, unused }),
    description: described('description'),
    reasoning: described('reasoning'),
  };
}

function hardNormal({ row, fields, odd, unused }: { row: number; unused: LeftOutRows } & Pick<Line, 'fields' | 'odd'>) {
  if (odd.has('hard_normal')) unused.add({ reason: wrongForm('hard_normal'), row });
  return fields.hard_normal === true ? { hardNormal: true as const } : {};
}

function choiceOfLine({ fields, odd }: Pick<Line, 'fields' | 'odd'>): Part<MultipleChoice> {
  const wrong = (['question', 'options', 'answer'] as const).find((name) => odd.has(name));
  if (wrong) return { problem: wrongForm(wrong) };
  const { question = '', options = [], answer = '' } = fields;
  return choiceOf({ question, options, answer });
}
