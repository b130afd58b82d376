import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SetupError, VideoError } from '../system/errors.js';
import { putInPlace } from '../system/put-in-place.js';
import { runFfmpeg } from './run-ffmpeg.js';

/**
 * Writes an H.264 MP4 (yuv420p) that players and browsers open. The same frames give the same bytes with the same ffmpeg.
 * The file appears under its name only when it is whole.
 *
 * @param frames RGB, `[count, height, width, 3]`, at once or in chunks of any size.
 * @param width even; `height` too.
 * @param fps frames a second.
 * @throws VideoError `VIDEO_ENCODE`; SetupError `FFMPEG_NO_H264`, `FFMPEG_MISSING`.
 */
export const encodeVideo = async ({
  file,
  frames,
  width,
  height,
  fps,
}: {
  file: string;
  frames: Uint8Array | AsyncIterable<Uint8Array>;
  width: number;
  height: number;
  fps: number;
}): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = join(dirname(file), `.${basename(file)}.${process.pid}.partial`);
  const make = async () => {
    const { exitCode, said } = await runFfmpeg(() => ({
      args: [
        ...[
          '-f',
          'rawvideo',
          '-pix_fmt',
          'rgb24',
          '-s',
          `${width}x${height}`,
          '-framerate',
          String(fps),
          '-i',
          'pipe:0',
        ],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-pix_fmt', 'yuv420p'],
        // A key frame a second: any moment is near one.
        ...['-g', String(Math.max(1, Math.round(fps)))],
        ...['-threads', '1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-map_metadata', '-1'],
        ...['-movflags', '+faststart', '-y', '-f', 'mp4', `file:${unfinished}`],
      ],
      input: frames instanceof Uint8Array ? single(frames) : frames,
    }));
    if (exitCode === 0) return;
    if (/Unknown encoder/.test(said)) {
      const message = 'This ffmpeg cannot write H.264 (it was built without libx264): set FFMPEG_PATH to one that can.';
      throw new SetupError({ code: 'FFMPEG_NO_H264', message });
    }
    const message = `${file} cannot be written as ${width}x${height} at ${fps} frames a second: ffmpeg says ${said || 'nothing'}.`;
    throw new VideoError({ code: 'VIDEO_ENCODE', message });
  };
  await putInPlace({ place: file, beside: unfinished, make });
};

async function* single(frames: Uint8Array): AsyncGenerator<Uint8Array> {
  yield frames;
}
