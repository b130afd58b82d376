import { VideoError } from '../system/errors.js';
import { openBudget } from './bounds.js';
import { checkFile } from './check-file.js';
import { containerLogReader } from './container-log.js';
import { decodingThreads } from './decoding-threads.js';
import { framecrcReader } from './framecrc.js';
import { firstVideoStream, inputArgs, type VideoInput } from './input.js';
import { notesOf, type VideoNotes } from './notes.js';
import { runFfmpeg } from './run-ffmpeg.js';
import { parseShownFrame, parseTimeBase, type ShownFrame } from './showinfo.js';
import { type Timeline, timelineDuration, timelineOfFrames } from './timeline.js';
import { unreadable } from './unreadable.js';

/** What a video file holds. */
export interface VideoInfo extends VideoNotes {
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
}

/** Complaints before the first picture, after which none is waited for. */
const PATIENCE = 5000;

/** Pictures of six days at 30 a second: more are a file that means ill. */
const MOST_PICTURES = 2 ** 24;

/**
 * Looks into a video file: reads its packets (for the true time of each frame) and decodes its first frame (for the true
 * size). Where the container does not tell the times, the whole video is decoded to learn them.
 *
 * @throws VideoError `VIDEO_NOT_FOUND`, `VIDEO_NOT_A_FILE`, `VIDEO_EMPTY`, `VIDEO_UNREADABLE`, `VIDEO_NO_STREAM`,
 *   `VIDEO_TIMEOUT`, `VIDEO_TOO_LARGE`; SetupError without ffmpeg.
 */
export const probeVideo = async ({
  budget = openBudget(),
  ...request
}: Omit<VideoInput, 'budget'> & Partial<VideoInput>): Promise<VideoInfo> => {
  const input = { ...request, budget };
  const { file, signal } = input;
  await checkFile(file);
  let seen = firstLook();
  const packets = [...firstVideoStream, '-c', 'copy', '-f', 'framecrc', 'pipe:1'];
  const firstFrame = [...firstVideoStream, '-vf', 'showinfo', '-frames:v', '1', '-f', 'null', '-'];
  const result = await runFfmpeg(() => {
    seen = firstLook();
    const { onOutput, onLog, enough } = seen;
    return { args: [...inputArgs(input), ...packets, ...firstFrame], onOutput, onLog, enough, budget, signal };
  });
  const { first, list, container } = seen.found();
  if (list.times.count > MOST_PICTURES) throw tooManyPictures(file);
  // A damaged end makes ffmpeg complain, yet what came before it is good.
  if (first === null || result.exceeded !== null) throw unreadable({ input, result });
  const timeline = list.times.timeline(list.tick) ?? (await decodedTimeline(input));
  const { width, height, pixelAspectRatio } = first;
  return {
    file,
    codec: list.codec,
    width,
    height,
    rotation: container.rotation ?? 0,
    pixelAspectRatio,
    duration: timelineDuration(timeline),
    timeline,
    ...(await notesOf({ ...input, timeline, log: container, endsBroken: list.endsBroken })),
  };
};

/** Gathers what `probeVideo` asks for, and says when it is enough. */
const firstLook = () => {
  const packets = framecrcReader();
  const container = containerLogReader();
  const stop = new AbortController();
  let first: ShownFrame | null = null;
  let complaints = 0;
  return {
    onOutput: (chunk: Buffer): void => {
      packets.chunk(chunk);
      if (packets.list.times.count > MOST_PICTURES) stop.abort();
    },
    onLog: (line: string): void => {
      first ??= parseShownFrame(line);
      container.line(line);
      if (first === null && line.includes('[error]')) complaints += 1;
      if (complaints > PATIENCE) stop.abort();
    },
    enough: stop.signal,
    found: () => ({ first, list: packets.list, container: container.log }),
  };
};

/** The times of the frames that come when the whole video is decoded: slow, and sure. @throws as `probeVideo`. */
export const decodedTimeline = async (input: VideoInput): Promise<Timeline> => {
  let pts: number[] = [];
  let tick: number | null = null;
  const args = [
    ...inputArgs({ ...input, threads: decodingThreads(1) }),
    ...firstVideoStream,
    ...['-vf', 'showinfo', '-f', 'null', '-'],
  ];
  const result = await runFfmpeg(() => {
    pts = [];
    const onLog = (line: string): void => {
      tick ??= parseTimeBase(line);
      const time = parseShownFrame(line)?.pts ?? null;
      if (time !== null) pts.push(time);
    };
    return { args, onLog, budget: input.budget, signal: input.signal };
  });
  if (tick === null || pts.length === 0 || result.exceeded !== null) throw unreadable({ input, result });
  return timelineOfFrames({ tick, pts });
};

const tooManyPictures = (file: string): VideoError => {
  const message = `${file} holds more than ${MOST_PICTURES} pictures: cut it into parts, or leave it out.`;
  return new VideoError({ code: 'VIDEO_TOO_LARGE', message });
};
