import type { CommandModule } from 'yargs';
import type { ExportOptions } from '../actions/export.js';

export const command: CommandModule<object, ExportOptions> = {
  command: 'export <folders..>',
  describe: 'Write runs for other tools: TensorBoard’s event files, completions as Parquet',
  builder: (yargs) =>
    yargs
      .positional('folders', { type: 'string', array: true, demandOption: true, describe: 'Folders of runs' })
      .option('tensorboard', {
        type: 'string',
        describe: 'Event files: into this folder, one of each run in it; no folder: into the run’s own',
      })
      .option('parquet', { type: 'string', describe: 'A folder for completions, a file of each run in it' })
      .example('$0 export runs/tag --tensorboard', 'then: tensorboard --logdir runs'),
  handler: async (args) => {
    const { exportCommand } = await import('../actions/export.js');
    await exportCommand(args);
  },
};
