import type { CommandModule } from 'yargs';

interface Arguments {
  out: string;
  clips: number;
  seed: number;
  splits: string;
  size: number;
  seconds: string;
}

export const synthesizeCommand: CommandModule<object, Arguments> = {
  command: 'synthesize',
  describe: 'Make a small benchmark of drawn surveillance clips, annotated for qa, tag and cls',
  builder: (yargs) =>
    yargs
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'The folder to make; an unfinished one is finished',
      })
      .option('clips', { type: 'number', default: 800, describe: 'Clips of all splits together' })
      .option('seed', { type: 'number', default: 0, describe: 'Equal seeds give equal clips' })
      .option('splits', {
        type: 'string',
        default: 'train:3,test:1',
        describe: 'Names and shares of the splits; no clip is in two of them',
      })
      .option('size', { type: 'number', default: 84, describe: 'Height and width in pixels' })
      .option('seconds', {
        type: 'string',
        default: '6-8',
        describe: 'Shortest and longest clip, in steps of 2 seconds',
      }),
  handler: async ({ out: folder, clips, seed, splits, size, seconds }) => {
    const { parseSeconds, parseSplits } = await import('../../synthesize/options.js');
    const { synthesize } = await import('../../synthesize/synthesize.js');
    const { createProgress } = await import('../../run/progress.js');
    const { ensureFfmpeg } = await import('../../video/ffmpeg.js');
    const shares = parseSplits({ text: splits, clips });
    const range = parseSeconds(seconds);
    await ensureFfmpeg({ report: (line) => process.stderr.write(`${line}\n`) });
    const progress = createProgress();
    progress.start(clips, 'clips');
    try {
      const set = await synthesize({
        folder,
        seed,
        size,
        seconds: range,
        splits: shares,
        onProgress: ({ done }) => progress.update(done),
      });
      progress.stop();
      process.stderr.write(`${set.made} clips made, ${set.kept} were there\n`);
      process.stdout.write(`${Object.values(set.annotations).join('\n')}\n`);
    } finally {
      progress.stop();
    }
  },
};
