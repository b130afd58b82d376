import type { CommandModule } from 'yargs';
import { classesOption, labelsIn } from '../dataset-options.js';
import { checkNumbers, countUpTo, positive } from '../numbers.js';

interface Arguments {
  videos: string;
  out: string;
  server?: string;
  model?: string;
  judge: string[];
  labels?: string;
  classes: string | undefined;
  prompts?: string;
  fps: number;
  'max-frames': number;
  seed: number;
  review: boolean;
  port: number;
}

export const annotateCommand: CommandModule<object, Arguments> = {
  command: 'annotate <videos> <out>',
  describe:
    'Make a benchmark of your own videos: a model writes descriptions, reasoning and questions, a person decides',
  builder: (yargs) =>
    yargs
      .positional('videos', { type: 'string', demandOption: true, describe: 'The folder of the videos' })
      .positional('out', { type: 'string', demandOption: true, describe: 'The folder for the benchmark' })
      .option('server', { type: 'string', describe: 'An OpenAI-compatible server: https://host/v1' })
      .option('model', { type: 'string', describe: 'Which of the server’s models; it has to see pictures' })
      .option('judge', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'Another option of how it is asked, as in a config’s judge: --judge budget=5 (may be repeated)',
      })
      .option('labels', {
        type: 'string',
        describe:
          'An annotation file with what is known of the videos: class, segment, or a description in place of frames',
      })
      .option('classes', classesOption)
      .option('prompts', {
        type: 'string',
        describe: 'A folder whose files stand in place of our prompts (data/annotate)',
      })
      .option('fps', { type: 'number', default: 1, describe: 'Frames a second that are shown' })
      .option('max-frames', { type: 'number', default: 16, describe: 'At most this many frames' })
      .option('seed', { type: 'number', default: 42, describe: 'Of the order of options' })
      .option('review', { type: 'boolean', default: false, describe: 'Then serve the page on which a person decides' })
      .option('port', { type: 'number', default: 0, describe: 'Of the page, on this machine alone; 0: a free one' })
      .example(
        '$0 dataset annotate clips/ bench/ --server https://host/v1 --model m --review',
        'from clips to a benchmark',
      ),
  handler: async (args) => {
    checkNumbers(args, { fps: positive, 'max-frames': countUpTo(10_000) });
    const { annotateAction } = await import('../actions/dataset-annotate.js');
    process.exitCode = await annotateAction({
      ...args,
      classes: labelsIn(args.classes),
      maxFrames: args['max-frames'],
    });
  },
};
