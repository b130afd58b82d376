import path from 'node:path';
import type { TaskName } from '../config/task-names.js';
import type { LeftOut } from '../dataset/annotation.js';
import { parseCsv } from '../dataset/csv.js';
import { parseJsonLine, refuseWholeJson } from '../dataset/json-text.js';
import { LeftOutRows } from '../dataset/left-out.js';
import type { Sample } from '../dataset/sample.js';
import { filledLines, readTextFile } from '../dataset/text-file.js';
import { DataError } from '../system/errors.js';
import { groupBy } from '../system/group-by.js';
import { taskNamed } from '../tasks/named.js';
import type { PromptStyle } from '../tasks/task.js';
import { type AnswerLine, Answers } from './answers.js';
import { ANSWER } from './trials.js';

/** What a row may hold, and what its column is called where a file calls it otherwise. */
export const PREDICTION_FIELDS = [
  'sample_id',
  'video',
  'task',
  'text',
  'answer',
  'segment',
  'start',
  'end',
  'trial',
  'prompt',
  'generation',
  'tokens',
  'seconds',
] as const;
export type PredictionField = (typeof PREDICTION_FIELDS)[number];

type Fields = Partial<Record<PredictionField, unknown>>;

interface PredictionsOptions {
  /** JSON lines (`*.jsonl`), or CSV. */
  file: string;
  /** The file's own name of a field. */
  columns?: Partial<Record<PredictionField, string>>;
  samples: readonly Sample[];
  /** Of rows that name no prompt. */
  style: PromptStyle;
}

/**
 * Answers of another system. A row names its sample by `sample_id`, or by `video` (and `task`, where several tasks are
 * asked of it), and has a `text` in the form that the task asks for, or an `answer`, with a `segment` (or `start` and
 * `end`, in seconds) where the task wants one. What cannot be used is counted, row by row; what can be is scored,
 * however wrong.
 *
 * @throws DataError when the file as a whole cannot be used
 */
export async function readPredictions(options: PredictionsOptions): Promise<{ answers: Answers; leftOut: LeftOut[] }> {
  const { file, samples, style } = options;
  const leftOut = new LeftOutRows();
  const lines: AnswerLine[] = [];
  const find = finder(samples);
  const given = new Set<string>();
  for (const { row, fields } of await rowsOf({ ...options, leftOut })) {
    const read = answerLine({ fields, find, style });
    if ('problem' in read) {
      leftOut.add({ reason: read.problem, row });
      continue;
    }
    const { prompt, trial, sample_id, generation } = read.line;
    const key = JSON.stringify([prompt, trial, sample_id, generation]);
    if (given.has(key)) leftOut.add({ reason: 'another answer to a sample that has one; the first is used', row });
    else lines.push(read.line);
    given.add(key);
  }
  if (lines.length === 0) {
    const [most] = leftOut.list();
    const why = most === undefined ? '' : ` (${most.reason})`;
    throw new DataError({ code: 'PREDICTIONS_NONE', message: `${file}: no row answers a sample of the config${why}` });
  }
  const answers = Answers.inMemory();
  await answers.add(lines);
  return { answers, leftOut: leftOut.list() };
}

async function rowsOf(
  options: PredictionsOptions & { leftOut: LeftOutRows },
): Promise<{ row: number; fields: Fields }[]> {
  const { file, columns = {}, leftOut } = options;
  const text = await readTextFile(file);
  const nameOf = (field: PredictionField) => columns[field] ?? field;
  const pick = (record: Record<string, unknown>): Fields =>
    Object.fromEntries(
      PREDICTION_FIELDS.flatMap((field) => (nameOf(field) in record ? [[field, record[nameOf(field)]]] : [])),
    );
  if (/\.(jsonl|ndjson|json)$/i.test(file)) {
    refuseWholeJson({ file, text });
    return filledLines(text).flatMap(({ row, line }) => {
      const record = jsonOf(line);
      if (typeof record === 'object' && record !== null && !Array.isArray(record))
        return { row, fields: pick(record as Record<string, unknown>) };
      leftOut.add({ reason: 'not a JSON object', row });
      return [];
    });
  }
  const { rows, broken } = parseCsv(text);
  for (const row of broken) leftOut.add({ reason: 'a quote is not closed', row });
  const header = rows[0]?.fields.map((name) => name.trim()) ?? [];
  const missing = Object.values(columns).filter((name) => !header.includes(name));
  if (missing.length > 0) {
    const message = `${file}: there is no column ${missing.map((name) => `“${name}”`).join(', ')}; there are ${header.join(', ')}`;
    throw new DataError({ code: 'DATA_COLUMN_MISSING', message });
  }
  return rows.slice(1).flatMap(({ line: row, fields }) => {
    if (fields.length === header.length)
      return { row, fields: pick(Object.fromEntries(header.map((name, i) => [name, fields[i]]))) };
    leftOut.add({ reason: 'not as many fields as columns', row });
    return [];
  });
}

function jsonOf(line: string): unknown {
  try {
    return parseJsonLine(line);
  } catch {
    return undefined;
  }
}

type Find = (fields: Fields) => { sample: Sample } | { problem: string };

function finder(samples: readonly Sample[]): Find {
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  const stem = (name: string) => path.parse(name.replaceAll('\\', '/')).name;
  const byVideo = groupBy(
    samples.filter(({ visuals }) => visuals.length > 0),
    ({ visuals }) => stem(visuals[0]!.file),
  );
  return ({ sample_id, video, task }) => {
    if (isFilled(sample_id)) {
      const sample = byId.get(String(sample_id));
      return sample === undefined ? { problem: 'the config has no sample of that id' } : { sample };
    }
    if (!isFilled(video)) return { problem: 'it names neither “sample_id” nor “video”' };
    const found = (byVideo.get(stem(String(video))) ?? []).filter((one) => !isFilled(task) || one.task === task);
    if (found.length === 1) return { sample: found[0]! };
    if (found.length === 0) return { problem: 'the config has no sample of that video (and task)' };
    return { problem: 'several samples are of that video; name the sample_id, or the task' };
  };
}

const isFilled = (value: unknown): boolean =>
  (typeof value === 'string' && value.trim() !== '') || (typeof value === 'number' && Number.isFinite(value));

function answerLine(args: {
  fields: Fields;
  find: Find;
  style: PromptStyle;
}): { line: Extract<AnswerLine, { text: string }> } | { problem: string } {
  const { fields, find } = args;
  const found = find(fields);
  if ('problem' in found) return found;
  const { sample } = found;
  const { trial = ANSWER, prompt, generation, tokens, seconds } = fields;
  const style = prompt === 'think' || prompt === 'direct' ? prompt : args.style;
  const text = textOf({ fields, task: sample.task, style });
  if (text === undefined) return { problem: 'it has neither a “text” nor an “answer” (as text)' };
  const place = { trial: String(trial), prompt: style, sample_id: sample.id };
  const number = (value: unknown) => (isFilled(value) && Number.isFinite(Number(value)) ? Number(value) : undefined);
  const cost = { tokens: number(tokens), seconds: number(seconds) };
  return { line: { ...place, generation: number(generation) ?? 0, text, ...cost } };
}

/** The completion; one that is put together where a row has only what it would hold. */
function textOf({ fields, task, style }: { fields: Fields; task: TaskName; style: PromptStyle }): string | undefined {
  const { text, answer, segment, start, end } = fields;
  if (typeof text === 'string') return text;
  if (!isFilled(answer)) return undefined;
  const span = segment ?? (isFilled(start) && isFilled(end) ? [start, end] : undefined);
  const glue = taskNamed(task).form.glue === undefined || span === undefined ? '' : `<glue>${spanText(span)}</glue>`;
  // Where thoughts are asked for and none are kept.
  const thought = style === 'think' ? '<think>(not kept)</think>' : '';
  return `${thought}<answer>${String(answer)}</answer>${glue}`;
}

const spanText = (span: unknown): string =>
  Array.isArray(span)
    ? `[${span.join(', ')}]`
    : String(span).toLowerCase() === 'normal'
      ? '[-1.0, -1.0]'
      : String(span);
