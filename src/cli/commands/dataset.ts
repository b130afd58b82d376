import type { CommandModule } from 'yargs';
import { checkCommand } from './dataset-check.js';
import { convertCommand } from './dataset-convert.js';
import { synthesizeCommand } from './dataset-synthesize.js';

export const command: CommandModule = {
  command: 'dataset',
  describe: 'Check, convert or synthesize annotated videos',
  builder: (yargs) =>
    yargs
      .command(checkCommand)
      .command(convertCommand)
      .command(synthesizeCommand)
      .demandCommand(1, 'Name one of the commands above.'),
  handler: () => {},
};
