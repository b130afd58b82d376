import type { CommandModule } from 'yargs';

interface Args {
  model: string;
  adapter: string;
  output: string;
}

export const command: CommandModule<object, Args> = {
  command: 'merge',
  describe: 'Add an adapter to its model, as a model folder of its own',
  builder: (cli) =>
    cli.options({
      model: { type: 'string', demandOption: true, describe: 'The model folder that the adapter was trained on' },
      adapter: { type: 'string', demandOption: true, describe: 'The adapter folder (a checkpoint of a LoRA run)' },
      output: { type: 'string', demandOption: true, describe: 'A new folder for the merged model' },
    }),
  handler: async ({ model, adapter, output }) => {
    const { mergeAdapter } = await import('../../policy/merge.js');
    const { bringModel } = await import('../actions/model.js');
    await bringModel(model);
    await mergeAdapter({ model, adapter, output });
    process.stdout.write(`${output}\n`);
  },
};
