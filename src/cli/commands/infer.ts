import type { CommandModule } from 'yargs';
import { type ClusterArguments, clusterArguments } from '../cluster-options.js';
import { configPositional, setOption } from '../options.js';

interface Args extends ClusterArguments {
  config: string;
  videos: string[];
  set: string[];
  checkpoint?: string;
  adapter?: string;
  task: ('tag' | 'cls' | 'reasoning')[];
  votes: number;
  output: string;
  page?: string;
  clips?: string;
}

export const command: CommandModule<object, Args> = {
  command: 'infer <config> <videos..>',
  describe: 'Ask a model about videos of your own: answer, segment, class, description, scores of frames',
  builder: (cli) =>
    cli
      .positional('config', configPositional)
      .positional('videos', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Video files, folders of them, or lists (*.txt, a path a line)',
      })
      .option('set', setOption)
      .option('checkpoint', { type: 'string', describe: 'A checkpoint folder; left out: the config’s model' })
      .option('adapter', { type: 'string', describe: 'A PEFT adapter folder, beside the config’s model' })
      .option('task', {
        choices: ['tag', 'cls', 'reasoning'] as const,
        array: true,
        default: ['tag', 'cls'] as ('tag' | 'cls' | 'reasoning')[],
        describe: 'What is asked of each video',
      })
      .option('votes', {
        type: 'number',
        default: 0,
        describe: 'Answers that are drawn, to score the frames by; 0: none',
      })
      .option('output', {
        type: 'string',
        default: 'answers.jsonl',
        describe: 'The file for the answers, a line a video',
      })
      .option('page', { type: 'string', describe: 'An HTML file with each video’s frames, answer and timeline' })
      .option('clips', {
        type: 'string',
        describe: 'A folder for the segments that are named, cut out of their videos',
      })
      .options(clusterArguments)
      .example(
        '$0 infer run.yaml clips/ --checkpoint runs/a/checkpoints/step-000100 --page answers.html',
        'look at a folder',
      ),
  handler: async (args) => {
    const { isSupervised, supervise } = await import('../actions/supervise.js');
    const { loadConfig } = await import('../../config/load.js');
    const { checkNumbers, countOrZero } = await import('../numbers.js');
    checkNumbers(args, { votes: countOrZero });
    const config = await loadConfig({ file: args.config, set: args.set });
    if (!isSupervised()) {
      process.exitCode = await supervise({
        onFinish: 'stopping after the answers at hand',
        remedy: async () => 'What was answered is kept: start it again, and it goes on from there.',
      });
      return;
    }
    const { clusterOptions } = await import('../actions/cluster.js');
    const { inferCommand } = await import('../actions/infer.js');
    process.exitCode = await inferCommand({ ...args, config, tasks: args.task, cluster: clusterOptions(args) });
  },
};
