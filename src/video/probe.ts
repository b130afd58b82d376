import { stat } from 'node:fs/promises';
import { VideoError } from '../errors.js';
import { containerLogReader } from './container-log.js';
import { framecrcReader } from './framecrc.js';
import { firstVideoStream, inputArgs } from './input.js';
import { lineCutter } from './lines.js';
import { type FfmpegResult, runFfmpeg } from './run-ffmpeg.js';
import { parseShownFrame, parseTimeBase, type ShownFrame } from './showinfo.js';
import { type Timeline, timelineDuration, timelineOfFrames } from './timeline.js';
import { warningsOf } from './warnings.js';

/** What a video file holds. */
export interface VideoInfo {
  file: string;
  /** `h264` */
  codec: string;
  /** Of a frame as it is shown, after rotation, in pixels. */
  width: number;
  height: number;
  /** Degrees, counterclockwise, as the file asks for; already applied to `width` and `height`. */
  rotation: number;
  /** Width of a pixel by its height. Told only: like the models' own loaders, frames are not stretched by it. */
  pixelAspectRatio: number;
  /** Seconds from the first picture's beginning to the last one's end, of those that are there. */
  duration: number;
  timeline: Timeline;
  /** What people should know of the file, a sentence each: that it is cut off, that players count its time otherwise. */
  warnings: string[];
}

interface Request {
  file: string;
  signal?: AbortSignal;
}

/**
 * Looks into a video file: reads its packets (for the true time of each frame) and decodes its first frame (for the true
 * size). Where the container does not tell the times, the whole video is decoded to learn them.
 *
 * @throws VideoError `VIDEO_NOT_FOUND`, `VIDEO_NOT_A_FILE`, `VIDEO_EMPTY`, `VIDEO_UNREADABLE`, `VIDEO_NO_STREAM`,
 *   `VIDEO_TIMEOUT`; SetupError without ffmpeg.
 */
export const probeVideo = async ({ file, signal }: Request): Promise<VideoInfo> => {
  await checkFile(file);
  const { line: packet, list } = framecrcReader();
  const { line: ofContainer, log } = containerLogReader();
  const output = lineCutter(packet);
  let first: ShownFrame | null = null;
  const packets = [...firstVideoStream, '-c', 'copy', '-f', 'framecrc', 'pipe:1'];
  const firstFrame = [...firstVideoStream, '-vf', 'showinfo', '-frames:v', '1', '-f', 'null', '-'];
  const result = await runFfmpeg({
    args: [...inputArgs({ file }), ...packets, ...firstFrame],
    onOutput: output.chunk,
    onLog: (line) => {
      first ??= parseShownFrame(line);
      ofContainer(line);
    },
    signal,
  });
  output.end();
  // A damaged end makes ffmpeg complain, yet what came before it is good.
  const shown = first as ShownFrame | null;
  if (shown === null) throw unreadable({ file, result });
  const timeline = list.times.timeline(list.tick) ?? (await decodedTimeline({ file, signal }));
  const { width, height, pixelAspectRatio } = shown;
  return {
    file,
    codec: list.codec,
    width,
    height,
    rotation: log.rotation ?? 0,
    pixelAspectRatio,
    duration: timelineDuration(timeline),
    timeline,
    warnings: await warningsOf({ file, timeline, log, endsBroken: list.endsBroken, signal }),
  };
};

/** The times of the frames that come when the whole video is decoded: slow, and sure. @throws as `probeVideo`. */
export const decodedTimeline = async ({ file, signal }: Request): Promise<Timeline> => {
  const pts: number[] = [];
  let tick: number | null = null;
  const result = await runFfmpeg({
    args: [...inputArgs({ file }), ...firstVideoStream, '-vf', 'showinfo', '-f', 'null', '-'],
    onLog: (line) => {
      tick ??= parseTimeBase(line);
      const time = parseShownFrame(line)?.pts ?? null;
      if (time !== null) pts.push(time);
    },
    signal,
  });
  if (tick === null || pts.length === 0 || result.timedOut) throw unreadable({ file, result });
  return timelineOfFrames({ tick, pts });
};

/** What to throw when ffmpeg did not give what was asked of `file`. */
export const unreadable = ({
  file,
  result: { timedOut, said },
}: {
  file: string;
  result: FfmpegResult;
}): VideoError => {
  if (timedOut) {
    const message = `${file}: ffmpeg took too long and was stopped: is the file damaged? Encode it anew, or leave it out.`;
    return new VideoError({ code: 'VIDEO_TIMEOUT', message });
  }
  if (/matches no streams/.test(said)) {
    const message = `${file} has no video stream: leave it out, or point to the right file.`;
    return new VideoError({ code: 'VIDEO_NO_STREAM', message });
  }
  if (/moov atom not found/.test(said)) {
    const message = `${file} is cut off: its index, which stands at the end of the file, is not there; fetch it anew, or leave it out.`;
    return new VideoError({ code: 'VIDEO_UNREADABLE', message });
  }
  const message = `${file} cannot be read as a video${said && ` (ffmpeg: ${said})`}: fetch or encode it anew, or leave it out.`;
  return new VideoError({ code: 'VIDEO_UNREADABLE', message });
};

const checkFile = async (file: string): Promise<void> => {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
      throw new VideoError({ code: 'VIDEO_NOT_FOUND', message: `There is no file ${file}: check the path.`, cause });
    }
    throw new VideoError({ code: 'VIDEO_UNREADABLE', message: `${file} cannot be opened: ${cause.message}.`, cause });
  });
  // A pipe or a device could make ffmpeg wait for ever.
  if (!found.isFile()) {
    throw new VideoError({ code: 'VIDEO_NOT_A_FILE', message: `${file} is not a file: a video file is needed here.` });
  }
  if (found.size === 0) {
    throw new VideoError({
      code: 'VIDEO_EMPTY',
      message: `${file} is empty (0 bytes): fetch it anew, or leave it out.`,
    });
  }
};
