import { DataError } from '../system/errors.js';
import type { Annotation, AnnotationFile, LeftOut, Part } from './annotation.js';
import { choiceOf } from './choice.js';
import { classOf, NORMAL_CLASS } from './classes.js';
import { type CsvRow, parseCsv } from './csv.js';
import { refuseJson } from './json-text.js';
import { LeftOutRows } from './left-out.js';
import type { Segment } from './sample.js';
import { segmentOfTimes } from './segment.js';
import { readTextFile } from './text-file.js';
import { unknownNames, usableText } from './unused.js';

/** The columns of a VAU-Bench file, in its order. Their case, and `_` for a space, do not matter. */
export const VAU_BENCH_COLUMNS = [
  'Video Name',
  'Question',
  'Option 1',
  'Option 2',
  'Option 3',
  'Option 4',
  'Correct Option',
  'Key Object',
  'Description',
  'Reasoning',
  'Anomaly Class',
  'Start Time',
  'End Time',
] as const;
export type VauBenchColumn = (typeof VAU_BENCH_COLUMNS)[number];

/** Read where present, not asked for. */
const OPTIONAL: VauBenchColumn = 'Key Object';

/**
 * Reads an annotation file of VAU-Bench (CSV).
 * @throws DataError when the file cannot be read or lacks a column.
 */
export async function readVauBench({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const text = await readTextFile(file);
  refuseJson({ file, text });
  const { rows, broken } = parseCsv(text);
  return vauBenchTable({ file, header: rows[0]?.fields ?? [], rows: rows.slice(1), broken, classes });
}

/**
 * A table with the columns of VAU-Bench, wherever it comes from.
 *
 * @param broken lines that could not be read
 * @throws DataError when it lacks a column
 */
export function vauBenchTable(args: {
  file: string;
  header: readonly string[];
  rows: readonly CsvRow[];
  broken?: readonly number[];
  classes: readonly string[];
}): AnnotationFile {
  const { file, header, rows, broken = [], classes } = args;
  const columns = findColumns({ file, header });
  const leftOut = new LeftOutRows();
  const unused = new LeftOutRows();
  for (const row of broken) leftOut.add({ reason: 'a quote is not closed', row });
  const annotations: Annotation[] = [];
  for (const { line, fields } of rows) {
    const cell = (column: VauBenchColumn) => textOf(fields[columns.get(column) ?? -1]);
    if (fields.length !== header.length) leftOut.add({ reason: 'not as many fields as columns', row: line });
    else if (cell('Video Name') === '') leftOut.add({ reason: 'no video name', row: line });
    else annotations.push(annotationOf({ line, cell, classes, unused }));
  }
  const count = rows.length + broken.length;
  return {
    file,
    rows: count,
    annotations,
    leftOut: leftOut.list(),
    unused: [...unusedColumns(header, count), ...unused.list()],
  };
}

/** An absent text is `-1` in the benchmark. */
const textOf = (field: string | undefined) => (field === undefined || field.trim() === '-1' ? '' : field.trim());

const nameOf = (column: string) =>
  column
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, ' ');

function findColumns({ file, header }: { file: string; header: readonly string[] }): Map<VauBenchColumn, number> {
  const names = header.map(nameOf);
  const missing = VAU_BENCH_COLUMNS.filter((column) => column !== OPTIONAL && !names.includes(nameOf(column)));
  if (missing.length > 0) {
    const list = (columns: readonly string[]) => columns.map((column) => `“${column}”`).join(', ');
    const what = missing.length === 1 ? 'the column' : 'the columns';
    const message = `${file}: ${what} ${list(missing)} is missing; there are ${list(header)}. Is it a VAU-Bench file?`;
    throw new DataError({ code: 'DATA_COLUMN_MISSING', message });
  }
  return new Map(VAU_BENCH_COLUMNS.map((column) => [column, names.indexOf(nameOf(column))]));
}

/** Columns that nobody knows, and those that stand there again. */
function unusedColumns(header: readonly string[], count: number): LeftOut[] {
  const known = VAU_BENCH_COLUMNS.map(nameOf);
  const unknown = unknownNames({ what: 'column', known: VAU_BENCH_COLUMNS });
  const names = header.map(nameOf);
  const reasons = header.flatMap((column, i) => {
    if (!known.includes(names[i]!)) return unknown(column);
    return names.indexOf(names[i]!) === i ? [] : `the column “${column}” stands there again; the first is used`;
  });
  return [...new Set(reasons)].map((reason) => ({ reason, count, rows: [] }));
}

interface Row {
  line: number;
  cell: (column: VauBenchColumn) => string;
  classes: readonly string[];
  /** Takes texts that cannot be used. */
  unused: LeftOutRows;
}

function annotationOf({ line, cell, classes, unused }: Row): Annotation {
  const options = [cell('Option 1'), cell('Option 2'), cell('Option 3'), cell('Option 4')];
  const described = (column: VauBenchColumn) =>
    usableText({ what: `“${column}”`, text: cell(column), row: line, unused });
  const label = classOf({ label: cell('Anomaly Class'), classes });
  return {
    line,
    visuals: [{ kind: 'video', name: cell('Video Name') }],
    choice: choiceOf({ question: cell('Question'), options, answer: cell('Correct Option') }),
    segment: agreeing({ segment: segmentOfTimes({ start: cell('Start Time'), end: cell('End Time') }), label }),
    class: label,
    keyObject: described('Key Object'),
    description: described('Description'),
    reasoning: described('Reasoning'),
  };
}

/**
 * `0, 0` marks a normal video; on a row of an anomaly class it rather stands for times that nobody filled in.
 * The converse (class Normal with an interval, two rows of the benchmark) is kept, as in its own evaluation.
 */
function agreeing({ segment, label }: { segment: Part<Segment>; label: Part<string> }): Part<Segment> {
  const normal = 'value' in segment && segment.value.kind === 'normal';
  const abnormal = 'value' in label && label.value !== NORMAL_CLASS;
  return normal && abnormal ? { problem: 'the times say normal, the class does not' } : segment;
}
