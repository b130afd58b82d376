import type { CommandModule } from 'yargs';
import { classesOption, labelsIn, type SourceChoice, sourceOption } from '../dataset-options.js';

interface Arguments {
  in: string;
  out: string;
  to: 'vau-bench' | 'jsonl';
  from: SourceChoice | undefined;
  classes: string | undefined;
  force: boolean;
}

export const convertCommand: CommandModule<object, Arguments> = {
  command: 'convert <in> <out>',
  describe: 'Write an annotation file in the other format',
  builder: (yargs) =>
    yargs
      .positional('in', { type: 'string', demandOption: true, describe: 'The annotation file to read' })
      .positional('out', { type: 'string', demandOption: true, describe: 'The annotation file to write' })
      .option('to', { choices: ['vau-bench', 'jsonl'] as const, demandOption: true, describe: 'The format to write' })
      .option('from', sourceOption)
      .option('classes', classesOption)
      .option('force', { type: 'boolean', default: false, describe: 'Write over a file that exists' }),
  handler: async ({ in: file, out, to, from, classes, force }) => {
    const { existsSync } = await import('node:fs');
    const { VAU_BENCH_CLASSES } = await import('../../dataset/classes.js');
    const { unwritten, writeAnnotations } = await import('../../dataset/convert.js');
    const { describeLeftOut, describeUnused } = await import('../../dataset/left-out.js');
    const { formatOf, readAnnotations } = await import('../../dataset/read.js');
    const { UsageError } = await import('../../system/errors.js');
    const { writeAtomically } = await import('../../system/atomic-write.js');
    if (!force && existsSync(out))
      throw new UsageError({ code: 'FILE_EXISTS', message: `${out} exists; name another file, or add --force` });
    const labels = labelsIn(classes) ?? VAU_BENCH_CLASSES;
    const read = await readAnnotations({ source: from ?? formatOf(file), file, classes: labels });
    await writeAtomically({ file: out, text: writeAnnotations({ annotations: read.annotations, format: to }) });
    const unused = [...read.unused, ...unwritten(read.annotations, to)];
    for (const line of [...describeLeftOut(read), ...describeUnused({ file, unused })])
      process.stderr.write(`${line}\n`);
    process.stderr.write(`${out}: ${read.annotations.length} of ${read.rows} rows\n`);
  },
};
