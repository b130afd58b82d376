import type { CommandModule } from 'yargs';
import { UsageError } from '../../system/errors.js';
import { type ClusterArguments, clusterArguments } from '../cluster-options.js';
import { configPositional, setOption } from '../options.js';

interface Args extends ClusterArguments {
  config: string;
  set: string[];
  checkpoint?: string;
  adapter?: string;
  server?: string;
  'server-model'?: string;
  predictions?: string;
  column: string[];
  output?: string;
  rescore?: boolean;
  compare?: string;
  'judge-budget'?: number;
  json: boolean;
}

export const command: CommandModule<object, Args> = {
  command: 'evaluate <config>',
  describe: 'Measure a model, or the answers of another, on the held-out data of a config, beside video-blind guessers',
  builder: (cli) =>
    cli
      .positional('config', configPositional)
      .option('set', setOption)
      .option('checkpoint', {
        type: 'string',
        describe: 'A checkpoint folder; left out: the model that the config starts from',
      })
      .option('adapter', { type: 'string', describe: 'A PEFT adapter folder, beside the config’s model' })
      .option('server', {
        type: 'string',
        describe: 'Ask an OpenAI-compatible server in place of a model: https://host/v1',
      })
      .option('server-model', { type: 'string', describe: 'Which of the server’s models' })
      .option('predictions', {
        type: 'string',
        describe:
          'Score another system’s answers: JSON lines or CSV with sample_id (or video and task) and text (or answer)',
      })
      .option('column', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'What the file of --predictions calls a field: --column text=Output (may be repeated)',
      })
      .option('output', {
        type: 'string',
        describe: 'The folder for answers and report; left out: evaluations/<what is measured> in the run’s folder',
      })
      .option('rescore', { type: 'boolean', describe: 'Ask no model: measure the answers in the folder of --output' })
      .option('compare', { type: 'string', describe: 'Another evaluation’s folder: differences, with intervals and p' })
      .option('judge-budget', { type: 'number', describe: 'US dollars that the judge may cost (judge.budget)' })
      .options(clusterArguments)
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' })
      .conflicts('predictions', ['checkpoint', 'adapter', 'server', 'rescore'])
      .example('$0 evaluate run.yaml --checkpoint runs/a/checkpoints/step-000100', 'measure a checkpoint')
      .example('$0 evaluate run.yaml --predictions theirs.csv --column text=Output', 'score another system'),
  handler: async (args) => {
    const { config: file, predictions, column, json } = args;
    const { isSupervised, supervise } = await import('../actions/supervise.js');
    const { loadConfig } = await import('../../config/load.js');
    const config = await loadConfig({ file, set: [...args.set, ...overrides(args)] });
    if (!isSupervised()) {
      process.exitCode = await supervise({
        onFinish: 'stopping after the answers at hand',
        remedy: async () => 'What was answered is kept: start it again, and it goes on from there.',
      });
      return;
    }
    const { clusterOptions } = await import('../actions/cluster.js');
    const { columnNames, evaluateCommand } = await import('../actions/evaluate.js');
    const { PREDICTION_FIELDS } = await import('../../evaluation/predictions-file.js');
    process.exitCode = await evaluateCommand({
      config,
      checkpoint: args.checkpoint,
      adapter: args.adapter,
      predictions,
      columns: columnNames(column, PREDICTION_FIELDS),
      output: args.output,
      rescore: args.rescore ?? false,
      compare: args.compare,
      json,
      cluster: predictions === undefined && !args.rescore ? clusterOptions(args) : undefined,
    });
  },
};

/** Flags that stand for options of the config. */
function overrides({ server, 'server-model': model, 'judge-budget': budget }: Args): string[] {
  if ((server === undefined) !== (model === undefined))
    throw new UsageError({ code: 'USAGE', message: '--server and --server-model go together' });
  return [
    ...(server === undefined ? [] : [`evaluation.server.base_url=${server}`, `evaluation.server.model=${model}`]),
    ...(budget === undefined ? [] : [`judge.budget=${budget}`]),
  ];
}
