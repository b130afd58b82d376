import yargs, { type Argv } from 'yargs';
import { UsageError } from '../system/errors.js';
import { packageVersion } from '../system/package-file.js';
import { command as ablate } from './commands/ablate.js';
import { command as dataset } from './commands/dataset.js';
import { command as doctor } from './commands/doctor.js';
import { command as download } from './commands/download.js';
import { command as evaluate } from './commands/evaluate.js';
import { command as exportRuns } from './commands/export.js';
import { command as generate } from './commands/generate.js';
import { command as health } from './commands/health.js';
import { command as infer } from './commands/infer.js';
import { command as launch } from './commands/launch.js';
import { command as logprobs } from './commands/logprobs.js';
import { command as merge } from './commands/merge.js';
import { command as quickstart } from './commands/quickstart.js';
import { command as report } from './commands/report.js';
import { command as schema } from './commands/schema.js';
import { command as score } from './commands/score.js';
import { command as setup } from './commands/setup.js';
import { command as train } from './commands/train.js';
import { command as verifyResume } from './commands/verify-resume.js';

/**
 * The command line as a yargs instance, ready to parse. It throws and never exits. Nothing heavy is imported here or by
 * the commands' own modules: they import what they need when they run, so that `--help` answers at once.
 */
export function program(args: string[]): Argv {
  const cli = yargs(args)
    .scriptName('vau-rft')
    .usage('$0 <command>\n\nReinforcement fine-tuning of video-language models for video anomaly understanding.')
    .command(quickstart)
    .command(setup)
    .command(doctor)
    .command(download)
    .command(train)
    .command(launch)
    .command(evaluate)
    .command(health)
    .command(infer)
    .command(generate)
    .command(logprobs)
    .command(score)
    .command(dataset)
    .command(ablate)
    .command(report)
    .command(exportRuns)
    .command(merge)
    .command(verifyResume)
    .command(schema)
    .option('debug', { type: 'boolean', default: false, describe: 'Show the stack trace of an error' })
    .demandCommand(1, 'Name a command.')
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .help()
    .alias({ help: 'h' })
    .locale('en')
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof Error && error.name !== 'YError') throw error;
      throw new UsageError({ code: 'USAGE', message: `${message ?? error}\nSee: vau-rft --help` });
    });
  return cli.wrap(Math.min(100, cli.terminalWidth()));
}
