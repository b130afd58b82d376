import type { CommandModule } from 'yargs';
import type { Config } from '../../config/schema.js';
import { UsageError } from '../../system/errors.js';
import { type ClusterArguments, clusterArguments, clusterWords } from '../cluster-options.js';
import { configPositional, setOption } from '../options.js';

interface Args extends ClusterArguments {
  config: string;
  set: string[];
  resume?: string;
  'accept-changes': boolean;
  'dry-run': boolean;
  profile?: number;
  'metrics-port'?: number;
}

export const command: CommandModule<object, Args> = {
  command: 'train <config>',
  describe: 'Train as a config says, by GRPO or SFT',
  builder: (cli) =>
    cli
      .positional('config', configPositional)
      .option('set', setOption)
      .option('resume', {
        type: 'string',
        describe: 'Go on with the run: from its latest checkpoint, or from the checkpoint folder given',
      })
      .option('accept-changes', {
        type: 'boolean',
        default: false,
        describe: 'With --resume: go on although the training data or the model have changed since',
      })
      .option('profile', {
        type: 'number',
        describe: 'Measure so many steps by operation and phase: a table, and a Chrome trace in the run’s folder',
      })
      .check(({ profile }) => {
        if (profile === undefined || (Number.isInteger(profile) && profile > 0)) return true;
        throw new UsageError({
          code: 'USAGE',
          message: `--profile takes a number of steps, such as 3 (not ${profile})`,
        });
      })
      .option('metrics-port', {
        type: 'number',
        describe: 'Answer Prometheus at http://127.0.0.1:PORT/metrics with the numbers of the latest step',
      })
      .options(clusterArguments)
      .option('dry-run', { type: 'boolean', default: false, describe: 'Show what would be run, and stop' })
      .example('$0 train configs/tag-qwen2-vl-2b.yaml', 'start a run')
      .example('$0 train configs/tag-qwen2-vl-2b.yaml --resume', 'go on with it after an interruption'),
  handler: async (args) => {
    const { config: file, set, resume, 'accept-changes': acceptChanges, 'dry-run': dryRun, profile } = args;
    const { loadConfig } = await import('../../config/load.js');
    const config = await loadConfig({ file, set });
    if (dryRun) {
      const { printPlan } = await import('../actions/plan-text.js');
      await printPlan(config);
      return;
    }
    const { clusterOptions } = await import('../actions/cluster.js');
    const cluster = clusterOptions(args);
    const { isSupervised, supervise } = await import('../actions/supervise.js');
    if (!isSupervised()) {
      const { resumeHint } = await import('../actions/resume-hint.js');
      const close = await openMetrics(args['metrics-port'], config);
      process.exitCode = await supervise({
        // From its latest checkpoint, whichever the first process was told to start from.
        restartArgs: [
          ...['train', file, ...set.flatMap((item) => ['--set', item])],
          ...[...clusterWords(args), '--resume', 'latest'],
        ],
        onFinish: 'finishing the step and saving',
        remedy: () => resumeHint(config),
      });
      close();
      return;
    }
    const { trainCommand } = await import('../actions/train.js');
    process.exitCode = await trainCommand({ config, resume, acceptChanges, profile, cluster });
  },
};

async function openMetrics(port: number | undefined, { output_dir: folder, name }: Config): Promise<() => void> {
  if (port === undefined) return () => {};
  const { serveMetrics } = await import('../actions/metrics-server.js');
  return serveMetrics({ port, folder, name });
}
