import type { CommandModule } from 'yargs';

interface Args {
  seed: number;
  output?: string;
  fresh: boolean;
}

export const command: CommandModule<object, Args> = {
  command: 'quickstart',
  describe: 'Train a tiny model on drawn clips, from nothing to a table of results, in minutes',
  builder: (cli) =>
    cli
      .option('seed', { type: 'number', default: 1, describe: 'Of clips, weights and training' })
      .option('output', { type: 'string', describe: 'Folder; left out: runs/quickstart (with another seed: -seed-N)' })
      .option('fresh', {
        type: 'boolean',
        default: false,
        describe: 'Remove what an earlier quickstart left there, and start over',
      }),
  handler: async ({ seed, output, fresh }) => {
    const { quickstart } = await import('../../quickstart/quickstart.js');
    await quickstart({
      seed,
      output: output ?? (seed === 1 ? 'runs/quickstart' : `runs/quickstart-seed-${seed}`),
      fresh,
    });
  },
};
