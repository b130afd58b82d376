import { fileURLToPath } from 'node:url';
import type { CommandModule } from 'yargs';
import type { Work } from '../../ablation/ablate.js';
import { RunError, VauError } from '../../system/errors.js';
import { setOption } from '../options.js';

interface AblateArguments {
  file: string;
  'dry-run': boolean;
  parallel: number;
  set: string[];
}

export const command: CommandModule<object, AblateArguments> = {
  command: 'ablate <file>',
  describe: 'Train a grid of variations of a config and compare them on held-out data',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'An ablation file (YAML)' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only list what would run' })
      .option('parallel', { type: 'number', default: 1, describe: 'Runs at a time' })
      .option('set', { ...setOption, describe: 'Override one option of the config in all runs (may be repeated)' })
      .check(
        ({ parallel }) => (Number.isInteger(parallel) && parallel >= 1) || '--parallel must be a whole number from 1',
      )
      .example('$0 ablate configs/ablate-rewards.yaml', 'which reward terms matter?'),
  handler: async ({ file, 'dry-run': dryRun, parallel, set }) => {
    const [{ readAblation }, { planRuns }, { ablate, openWork }, { Runner }, { summaryTable }, { stopSignals }] =
      await Promise.all([
        import('../../ablation/file.js'),
        import('../../ablation/plan.js'),
        import('../../ablation/ablate.js'),
        import('../../ablation/runner.js'),
        import('../../ablation/summary.js'),
        import('../../system/stop-signals.js'),
      ]);
    const ablation = await readAblation(file);
    const runs = await planRuns({ ablation, set });
    const train = [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url)), 'train'];
    const work = await openWork({ ablation, runs, train });
    if (dryRun) return void process.stdout.write(work.map(describe).join(''));

    const print = (line: string) => void process.stderr.write(`${line}\n`);
    const runner = new Runner({ parallel, print, stop: stopSignals() });
    const { outcomes, failed } = await ablate({ ablation, work, runner });

    process.stdout.write(summaryTable(ablation, outcomes));
    if (runner.stopped && failed.length > 0) throw interrupted(failed.length, runs.length);
    if (failed.length > 0)
      throw incomplete(
        failed.map(({ log }) => log),
        runs.length,
      );
  },
};

/** `all_seed-1  to resume  node main.js train …` */
function describe({ run, state, job }: Work): string {
  const todo = { new: 'to train', begun: 'to resume', finished: 'finished' }[state.kind];
  return `${run.name}  ${todo}${job ? `  ${job.command.join(' ')}` : ''}\n`;
}

function interrupted(open: number, all: number): VauError {
  const message = `interrupted with ${all - open} of ${all} runs finished; the same command goes on from here`;
  return new VauError({ code: 'INTERRUPTED', message, exitCode: 130 });
}

function incomplete(logs: string[], all: number): RunError {
  const message = `${logs.length} of ${all} runs failed; what they said is in\n  ${logs.join('\n  ')}\nThe same command tries them again`;
  return new RunError({ code: 'ABLATION_INCOMPLETE', message });
}
