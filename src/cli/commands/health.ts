import type { CommandModule } from 'yargs';
import { checkNumbers, countUpTo } from '../numbers.js';

interface Args {
  run: string;
  within: number;
}

export const command: CommandModule<object, Args> = {
  command: 'health <run>',
  describe: 'Whether a run has moved lately, or is done: exit code 0 or 1, for probes',
  builder: (cli) =>
    cli.positional('run', { type: 'string', demandOption: true, describe: 'The run’s folder' }).option('within', {
      type: 'number',
      default: 1800,
      describe: 'Seconds that a step, an evaluation or the opening may take',
    }),
  handler: async (args) => {
    checkNumbers(args, { within: countUpTo(1e9) });
    const { runHealth } = await import('../actions/health.js');
    const { text, isWell } = await runHealth(args);
    process.stdout.write(`${text}\n`);
    process.exitCode = isWell ? 0 : 1;
  },
};
