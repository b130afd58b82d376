import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SetupError, VideoError } from '../system/errors.js';
import { putInPlace } from '../system/put-in-place.js';
import { openBudget } from './bounds.js';
import { checkFile } from './check-file.js';
import { firstVideoStream, inputArgs } from './input.js';
import { runFfmpeg } from './run-ffmpeg.js';

/**
 * Writes the pictures of a video from `start` to `end` (seconds from its start) as an H.264 MP4 of its own; sound is left
 * out. It appears under its name when it is whole.
 *
 * @throws VideoError, SetupError `FFMPEG_NO_H264`, `FFMPEG_MISSING`
 */
export async function cutClip(args: { file: string; start: number; end: number; to: string }): Promise<void> {
  const { file, start, end, to } = args;
  await checkFile(file);
  await mkdir(dirname(to), { recursive: true });
  const unfinished = join(dirname(to), `.${basename(to)}.${process.pid}.partial`);
  // Even sides, as H.264 wants them.
  const filter = `setpts=PTS-STARTPTS,trim=start=${start}:end=${end},setpts=PTS-STARTPTS,crop=trunc(iw/2)*2:trunc(ih/2)*2`;
  const make = async () => {
    const budget = openBudget();
    const { exitCode, said } = await runFfmpeg(() => ({
      args: [
        ...inputArgs({ file, budget }),
        ...[...firstVideoStream, '-vf', filter],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'],
        ...['-movflags', '+faststart', '-y', '-f', 'mp4', `file:${unfinished}`],
      ],
      budget,
    }));
    if (exitCode === 0) return;
    if (/Unknown encoder/.test(said)) {
      const message = 'This ffmpeg cannot write H.264 (it was built without libx264): set FFMPEG_PATH to one that can.';
      throw new SetupError({ code: 'FFMPEG_NO_H264', message });
    }
    throw new VideoError({
      code: 'VIDEO_ENCODE',
      message: `${to} cannot be written: ffmpeg says ${said || 'nothing'}.`,
    });
  };
  await putInPlace({ place: to, beside: unfinished, make });
}
