import type { CommandModule } from 'yargs';
import { type LookArguments, labelsIn, lookOptions } from '../dataset-options.js';

export const checkCommand: CommandModule<object, LookArguments> = {
  command: 'check <files..>',
  describe: 'Report what annotation files offer each task, and what is wrong with them',
  builder: lookOptions,
  handler: async ({ files, videos, source, classes, json }) => {
    const { checkDataset } = await import('../../dataset/check.js');
    const { VAU_BENCH_CLASSES } = await import('../../dataset/classes.js');
    const { datasetReportText } = await import('../actions/dataset-report.js');
    const { lookAtVideos } = await import('../actions/look-at-videos.js');
    const { DataError } = await import('../../system/errors.js');
    const labels = labelsIn(classes) ?? VAU_BENCH_CLASSES;
    const { folderError, warnings, ...report } = await checkDataset({
      files,
      source,
      videos,
      classes: labels,
      lookAtVideos,
    });
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : datasetReportText(report));
    if (folderError) throw folderError;
    const useless = report.files.filter(({ tasks }) => Object.values(tasks).every(({ usable }) => usable === 0));
    if (useless.length > 0) {
      const message = `${useless.map(({ file }) => file).join(', ')}: no task can use any row; the report says why`;
      throw new DataError({ code: 'DATA_NOTHING_USABLE', message });
    }
  },
};
