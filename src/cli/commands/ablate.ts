import type { Argv, CommandModule } from 'yargs';
import type { AblateOptions } from '../actions/ablate.js';
import { checkNumbers, countUpTo } from '../numbers.js';
import { setOption } from '../options.js';

const withOptions = (yargs: Argv) =>
  yargs
    .positional('file', { type: 'string', demandOption: true, describe: 'An ablation file (YAML)' })
    .option('parallel', { type: 'number', default: 1, describe: 'Runs at a time' })
    .option('machine-share', { type: 'boolean', default: true, describe: 'Each of them gets its part of the CPUs' })
    .option('hosts', {
      type: 'string',
      describe: 'Machines that take runs, with commas between, by ssh; they see the same folders under the same names',
    })
    .option('shared', {
      type: 'boolean',
      default: false,
      describe: 'Take runs that nobody else is at; for several machines that each start it, such as a Slurm job’s',
    })
    .option('set', { ...setOption, describe: 'Override one option of the config in all runs (may be repeated)' });

const addCommand: CommandModule<object, AblateOptions & { seeds: number }> = {
  command: 'add <file>',
  describe: 'Train more seeds of an ablation, and compare anew',
  builder: (yargs) =>
    withOptions(yargs).option('seeds', { type: 'number', demandOption: true, describe: 'So many more' }),
  handler: async (args) => {
    checkNumbers(args, { parallel: countUpTo(1024), seeds: countUpTo(1000) });
    const { runAblation } = await import('../actions/ablate.js');
    await runAblation(args);
  },
};

export const command: CommandModule<object, AblateOptions & { 'dry-run': boolean }> = {
  command: 'ablate <file>',
  describe:
    'Train variations of a config on several seeds, and say of each whether it is better or worse on held-out data',
  builder: (yargs) =>
    withOptions(yargs)
      .command(addCommand)
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what would run, how long, and what it could tell',
      })
      .example('$0 ablate configs/ablate-rewards.yaml', 'which reward terms matter?')
      .example('$0 ablate add configs/ablate-rewards.yaml --seeds 3', 'three more seeds of each'),
  handler: async ({ 'dry-run': dryRun, ...args }) => {
    checkNumbers(args, { parallel: countUpTo(1024) });
    const { printAblationPlan, runAblation } = await import('../actions/ablate.js');
    await (dryRun ? printAblationPlan(args) : runAblation(args));
  },
};
