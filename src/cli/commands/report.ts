import type { CommandModule } from 'yargs';
import type { ReportOptions } from '../actions/report.js';
import { checkNumbers, countOrZero } from '../numbers.js';

export const command: CommandModule<object, ReportOptions> = {
  command: 'report <folders..>',
  describe: 'One page of a run, of several side by side, or of an ablation: curves, advice, groups with their videos',
  builder: (yargs) =>
    yargs
      .positional('folders', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Folders of runs, or that of an ablation',
      })
      .option('output', { type: 'string', describe: 'The file; left out: report.html in the first folder' })
      .option('watch', { type: 'boolean', default: false, describe: 'Serve the page while the run goes on' })
      .option('port', { type: 'number', default: 0, describe: 'Of the page, on this machine alone; 0: a free one' })
      .example('$0 report runs/tag', 'runs/tag/report.html, which needs no network')
      .example('$0 report runs/tag runs/tag-dapo', 'two runs side by side')
      .example('$0 report runs/tag --watch', 'and look at it while it trains'),
  handler: async (args) => {
    checkNumbers(args, { port: countOrZero });
    const { reportCommand } = await import('../actions/report.js');
    process.exitCode = await reportCommand(args);
  },
};
