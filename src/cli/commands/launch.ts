import type { CommandModule } from 'yargs';
import { UsageError } from '../../system/errors.js';
import { checkNumbers, countOrZero, countUpTo } from '../numbers.js';

const LAUNCHED = ['train', 'evaluate', 'infer'];

interface Args {
  workers: number;
  restart: number;
  '--'?: string[];
}

export const command: CommandModule<object, Args> = {
  command: 'launch',
  describe: 'Make a run by several processes on this machine: launch --workers 2 -- train CONFIG',
  builder: (cli) =>
    cli
      .parserConfiguration({ 'populate--': true })
      .option('workers', { type: 'number', demandOption: true, describe: 'Processes; CPUs or GPUs are divided' })
      .option('restart', {
        type: 'number',
        default: 0,
        describe: 'Start all again, from the last checkpoint, so many times',
      })
      .example('$0 launch --workers 2 -- train configs/tag-qwen2-vl-2b.yaml', 'two processes, one run'),
  handler: async ({ workers, restart, '--': command = [] }) => {
    checkNumbers({ workers, restart }, { workers: countUpTo(256), restart: countOrZero });
    if (!LAUNCHED.includes(command[0] ?? '')) {
      const message = `behind -- stands what is launched (${LAUNCHED.join(', ')}): launch --workers 2 -- train CONFIG`;
      throw new UsageError({ code: 'USAGE', message });
    }
    const { launch } = await import('../actions/launch.js');
    process.exitCode = await launch({ workers, restarts: restart, command });
  },
};
