import type { CommandModule } from 'yargs';

interface Args {
  seed: number;
  family: 'qwen2_vl' | 'qwen2_5_vl' | 'qwen3_vl';
  output?: string;
  fresh: boolean;
}

export const command: CommandModule<object, Args> = {
  command: 'quickstart',
  describe: 'Train a tiny model on drawn clips, from nothing to a table of results, in minutes',
  builder: (cli) =>
    cli
      .option('seed', { type: 'number', default: 1, describe: 'Of clips, weights and training' })
      .option('family', {
        choices: ['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl'] as const,
        default: 'qwen2_vl' as const,
        describe: 'Of the tiny model',
      })
      .option('output', {
        type: 'string',
        describe: 'Folder; left out: runs/quickstart (with another family or seed: -FAMILY, -seed-N)',
      })
      .option('fresh', {
        type: 'boolean',
        default: false,
        describe: 'Remove what an earlier quickstart left there, and start over',
      }),
  handler: async ({ seed, family, output, fresh }) => {
    const { quickstart } = await import('../../quickstart/quickstart.js');
    const other = `${family === 'qwen2_vl' ? '' : `-${family}`}${seed === 1 ? '' : `-seed-${seed}`}`;
    await quickstart({ seed, family, output: output ?? `runs/quickstart${other}`, fresh });
  },
};
