import type { CommandModule } from 'yargs';
import { classesOption, filesPositional, labelsIn, type SourceChoice, sourceOption } from '../dataset-options.js';

interface Arguments {
  files: string[];
  train: string[];
  source: SourceChoice | undefined;
  classes: string | undefined;
  seed: number;
  json: boolean;
}

export const blindCommand: CommandModule<object, Arguments> = {
  command: 'blind <files..>',
  describe: 'What is scored on annotation files by guessers who see no video',
  builder: (yargs) =>
    yargs
      .positional('files', filesPositional)
      .option('train', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'Annotation files that the guessers have read; left out, those that they are measured on',
      })
      .option('source', sourceOption)
      .option('classes', classesOption)
      .option('seed', { type: 'number', default: 42, describe: 'Of the intervals' })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .example('$0 dataset blind test_msad.csv --train val.csv', 'what the benchmark gives away'),
  handler: async ({ files, train, source, classes, seed, json }) => {
    const { VAU_BENCH_CLASSES } = await import('../../dataset/classes.js');
    const { blindReport } = await import('../../evaluation/blind-report.js');
    const { blindText } = await import('../../evaluation/report-text.js');
    const tables = await blindReport({ files, train, source, classes: labelsIn(classes) ?? VAU_BENCH_CLASSES, seed });
    process.stdout.write(json ? `${JSON.stringify(tables, null, 2)}\n` : blindText(tables));
  },
};
