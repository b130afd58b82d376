import type { CommandModule } from 'yargs';
import { type LookArguments, labelsIn, lookOptions } from '../dataset-options.js';

export const statsCommand: CommandModule<object, LookArguments> = {
  command: 'stats <files..>',
  describe: 'What a paper tabulates: videos, hours, questions, words, classes, segments; duplicates and leaks',
  builder: lookOptions,
  handler: async ({ files, videos, source, classes, json }) => {
    const { VAU_BENCH_CLASSES } = await import('../../dataset/classes.js');
    const { datasetStats } = await import('../../dataset/stats.js');
    const { indexVideos } = await import('../../dataset/videos.js');
    const { ensureFfmpeg } = await import('../../video/ffmpeg.js');
    const { videoLength } = await import('../../video/video-length.js');
    const { datasetStatsText } = await import('../actions/dataset-stats-text.js');
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    if (videos !== undefined) await ensureFfmpeg({ report: say });
    const durationOf = async (file: string) => {
      try {
        return (await videoLength({ file })).duration;
      } catch (error) {
        say(`warning: ${(error as Error).message}`);
        return undefined;
      }
    };
    const looked =
      videos === undefined ? undefined : { locate: await indexVideos({ folder: videos, warn: say }), durationOf };
    const stats = await datasetStats({
      files,
      source,
      classes: labelsIn(classes) ?? VAU_BENCH_CLASSES,
      videos: looked,
    });
    process.stdout.write(json ? `${JSON.stringify(stats, null, 2)}\n` : datasetStatsText(stats));
  },
};
