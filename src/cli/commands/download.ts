import type { CommandModule } from 'yargs';

interface Args {
  models: string[];
}

export const command: CommandModule<object, Args> = {
  command: 'download <models..>',
  describe: "Download models of the hub into Hugging Face's cache, or bring them up to date",
  builder: (cli) =>
    cli.positional('models', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Hub ids, such as Qwen/Qwen2.5-VL-3B-Instruct',
    }),
  handler: async ({ models }) => {
    const { isHubId } = await import('../../model-folder/hub/cache.js');
    const { downloadModel } = await import('../../model-folder/hub/download.js');
    const { UsageError } = await import('../../system/errors.js');
    const { downloadBar } = await import('../actions/model.js');
    const odd = models.find((id) => !isHubId(id));
    if (odd !== undefined)
      throw new UsageError({ code: 'USAGE', message: `${odd} is no hub id: name owner and model, owner/model` });
    for (const id of models) {
      const { view, stop } = downloadBar(id);
      const folder = await downloadModel({ id, ...view }).finally(stop);
      process.stdout.write(`${folder}\n`);
    }
  },
};
