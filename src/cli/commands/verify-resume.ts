import type { CommandModule } from 'yargs';
import type { VerifyResumeOptions } from '../actions/verify-resume.js';
import { checkNumbers, countOrZero, countUpTo } from '../numbers.js';
import { configPositional, setOption } from '../options.js';

export const command: CommandModule<object, VerifyResumeOptions> = {
  command: 'verify-resume <config>',
  describe: 'See for yourself that a run of yours, killed at random moments, ends byte for byte like one that was not',
  builder: (cli) =>
    cli
      .positional('config', configPositional)
      .option('set', setOption)
      .option('steps', { type: 'number', default: 6, describe: 'Steps of each of the two runs' })
      .option('kills', { type: 'number', default: 3, describe: 'Times that the second one is killed' })
      .option('seed', { type: 'number', default: 0, describe: 'Of the moments' })
      .option('output', { type: 'string', describe: 'The folder for both; left out: beside the config’s own' })
      .option('keep', { type: 'boolean', default: false, describe: 'Keep them although they are the same' })
      .example('$0 verify-resume configs/tag-qwen2-vl-2b.yaml', 'two short runs of your own job'),
  handler: async (args) => {
    checkNumbers(args, { steps: countUpTo(100_000), kills: countOrZero, seed: countOrZero });
    const { verifyResume } = await import('../actions/verify-resume.js');
    process.exitCode = await verifyResume(args);
  },
};
