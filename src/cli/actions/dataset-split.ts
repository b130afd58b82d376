import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { VAU_BENCH_CLASSES } from '../../dataset/classes.js';
import { unwritten, type WrittenFormat, writeAnnotations } from '../../dataset/convert.js';
import { describeLeftOut, describeUnused } from '../../dataset/left-out.js';
import { formatOf, readAnnotations, type SourceFormat } from '../../dataset/read.js';
import { splitDataset } from '../../dataset/split.js';
import { writeAtomically } from '../../system/atomic-write.js';
import { UsageError } from '../../system/errors.js';

/** Writes the parts of an annotation file. @returns what people should be told */
export async function splitFile(args: {
  file: string;
  out: string;
  parts: readonly string[];
  group: string | undefined;
  source: SourceFormat | undefined;
  labels: readonly string[] | undefined;
  seed: number;
  force: boolean;
}): Promise<string[]> {
  const { file, out, seed, force } = args;
  const parts = args.parts.map(partOf);
  const source = args.group === undefined ? undefined : patternOf(args.group);
  const format = args.source ?? formatOf(file);
  const read = await readAnnotations({ source: format, file, classes: args.labels ?? VAU_BENCH_CLASSES });
  const to: WrittenFormat = format === 'vau-bench' ? 'vau-bench' : 'jsonl';
  const files = parts.map(({ name }) => path.join(out, `${name}.${to === 'jsonl' ? 'jsonl' : 'csv'}`));
  const existing = files.find((one) => existsSync(one));
  if (existing !== undefined && !force)
    throw new UsageError({ code: 'FILE_EXISTS', message: `${existing} exists; name another folder, or add --force` });
  await mkdir(out, { recursive: true });
  const splits = splitDataset({ annotations: read.annotations, parts, source, seed });
  for (const [i, { annotations }] of splits.entries())
    await writeAtomically({ file: files[i]!, text: writeAnnotations({ annotations, format: to }) });
  const unused = [...read.unused, ...unwritten(read.annotations, to)];
  return [
    ...describeLeftOut(read),
    ...describeUnused({ file, unused }),
    ...splits.map(({ annotations }, i) => `${files[i]}: ${annotations.length} of ${read.rows} rows`),
  ];
}

function partOf(text: string): { name: string; share: number } {
  const [, name, share] = /^([A-Za-z0-9_.-]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name !== undefined && Number(share) > 0) return { name, share: Number(share) };
  throw new UsageError({
    code: 'USAGE',
    message: `--parts ${text}: it takes names with shares, such as train=80 test=20`,
  });
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    const message = `--group ${text}: it is no regular expression (${(cause as Error).message})`;
    throw new UsageError({ code: 'USAGE', message, cause });
  }
}
