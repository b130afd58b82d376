import type { AnnotationFile } from './annotation.js';
import { readHivau } from './hivau.js';
import { readJsonl } from './jsonl.js';
import { readParquet } from './parquet.js';
import { readVadReasoning } from './vad-reasoning.js';
import { readVauBench } from './vau-bench.js';

export const SOURCE_FORMATS = ['vau-bench', 'jsonl', 'parquet', 'hivau', 'vad-reasoning'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

type Reader = (options: { file: string; classes: readonly string[] }) => Promise<AnnotationFile>;

const READERS: Record<SourceFormat, Reader> = {
  'vau-bench': readVauBench,
  jsonl: readJsonl,
  parquet: readParquet,
  hivau: readHivau,
  'vad-reasoning': readVadReasoning,
};

interface ReadOptions {
  source: SourceFormat;
  file: string;
  /** The labels that a row may have. */
  classes: readonly string[];
}

/** Reads an annotation file. @throws DataError when the file as a whole cannot be used. */
export const readAnnotations = ({ source, file, classes }: ReadOptions): Promise<AnnotationFile> =>
  READERS[source]({ file, classes });

/** The format that a file's name suggests. */
export function formatOf(file: string): SourceFormat {
  if (/\.parquet$/i.test(file)) return 'parquet';
  return /\.(jsonl?|ndjson)$/i.test(file) ? 'jsonl' : 'vau-bench';
}
