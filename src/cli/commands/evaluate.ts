import type { CommandModule } from 'yargs';
import { configPositional, setOption } from '../options.js';

interface Args {
  config: string;
  set: string[];
  checkpoint?: string;
  predictions?: string;
  json: boolean;
}

export const command: CommandModule<object, Args> = {
  command: 'evaluate <config>',
  describe: 'Measure a model on the held-out data of a config, beside video-blind guessers',
  builder: (cli) =>
    cli
      .positional('config', configPositional)
      .option('set', setOption)
      .option('checkpoint', {
        type: 'string',
        describe: 'A checkpoint folder; left out: the model that the config starts from',
      })
      .option('predictions', { type: 'string', describe: 'Write a JSON line for each answer into this file' })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON object' }),
  handler: async ({ config: file, set, checkpoint, predictions, json }) => {
    const { isSupervised, supervise } = await import('../actions/supervise.js');
    const { loadConfig } = await import('../../config/load.js');
    const config = await loadConfig({ file, set });
    if (!isSupervised()) {
      process.exitCode = await supervise({
        onFinish: 'stopping after the answers at hand',
        remedy: async () => 'Nothing was written: start it again.',
      });
      return;
    }
    const { evaluateCommand } = await import('../actions/evaluate.js');
    process.exitCode = await evaluateCommand({ config, checkpoint, predictions, json });
  },
};
