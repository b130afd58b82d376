import type { CommandModule } from 'yargs';
import { annotateCommand } from './dataset-annotate.js';
import { blindCommand } from './dataset-blind.js';
import { checkCommand } from './dataset-check.js';
import { convertCommand } from './dataset-convert.js';
import { splitCommand } from './dataset-split.js';
import { statsCommand } from './dataset-stats.js';
import { synthesizeCommand } from './dataset-synthesize.js';

export const command: CommandModule = {
  command: 'dataset',
  describe: 'Check, count, split, convert, annotate or synthesize videos with annotations',
  builder: (yargs) =>
    yargs
      .command(checkCommand)
      .command(convertCommand)
      .command(statsCommand)
      .command(splitCommand)
      .command(blindCommand)
      .command(annotateCommand)
      .command(synthesizeCommand)
      .demandCommand(1, 'Name one of the commands above.'),
  handler: () => {},
};
