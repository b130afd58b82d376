import type { CommandModule } from 'yargs';
import { classesOption, labelsIn, type SourceChoice, sourceOption } from '../dataset-options.js';

interface Arguments {
  file: string;
  out: string;
  parts: string[];
  source: SourceChoice | undefined;
  classes: string | undefined;
  group: string | undefined;
  seed: number;
  force: boolean;
}

export const splitCommand: CommandModule<object, Arguments> = {
  command: 'split <file> <out>',
  describe: 'Split an annotation file into parts that share no source video, with the classes in equal shares',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'The annotation file' })
      .positional('out', { type: 'string', demandOption: true, describe: 'The folder for the parts' })
      .option('parts', {
        type: 'string',
        array: true,
        default: ['train=70', 'val=15', 'test=15'],
        describe: 'Names of the parts, with their shares',
      })
      .option('group', {
        type: 'string',
        describe: 'A regular expression whose first group names a clip’s source video; left out, its file’s name',
      })
      .option('source', sourceOption)
      .option('classes', classesOption)
      .option('seed', { type: 'number', default: 42, describe: 'Of what goes where' })
      .option('force', { type: 'boolean', default: false, describe: 'Write over files that exist' })
      .example('$0 dataset split mine.jsonl parts --parts train=80 test=20', 'a training and a test part'),
  handler: async (args) => {
    const { splitFile } = await import('../actions/dataset-split.js');
    const { classes, ...others } = args;
    for (const line of await splitFile({ ...others, labels: labelsIn(classes) })) process.stderr.write(`${line}\n`);
  },
};
