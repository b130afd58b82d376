import { DataError } from '../system/errors.js';
import type { AnnotationFile } from './annotation.js';
import { annotationsOf } from './jsonl.js';
import { vauBenchTable } from './vau-bench.js';

/**
 * Reads an annotation file in parquet, as datasets on the Hugging Face hub are kept: with the columns of VAU-Bench, or the
 * fields of a `jsonl` source. Rows count from 1.
 *
 * @throws DataError when the file cannot be read, or has the columns of neither
 */
export async function readParquet({
  file,
  classes,
}: {
  file: string;
  classes: readonly string[];
}): Promise<AnnotationFile> {
  const records = await recordsOf(file);
  const header = Object.keys(records[0] ?? {});
  if (header.includes('video') || header.includes('image')) {
    const read = records.map((record, i) => ({ row: i + 1, record: plain(record) as Record<string, unknown> }));
    return annotationsOf({ file, records: read, classes });
  }
  const rows = records.map((record, i) => ({ line: i + 1, fields: header.map((name) => cell(record[name])) }));
  return vauBenchTable({ file, header, rows, classes });
}

async function recordsOf(file: string): Promise<Record<string, unknown>[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
  try {
    const records = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    if (records.length === 0) throw new Error('it has no rows');
    return records;
  } catch (cause) {
    const { code, message: said } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read as parquet (${said})`;
    throw new DataError({ code: 'DATA_UNREADABLE', message: `${file}: ${why}; check the path`, cause });
  }
}

const cell = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

/** Whole numbers of 64 bits are numbers like others; typed lists are lists. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value ?? undefined;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
