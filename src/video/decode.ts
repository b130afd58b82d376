import { usableCpus } from '../system/cpus.js';
import { decodingThreads } from './decoding-threads.js';
import { firstVideoStream, inputArgs, type VideoInput } from './input.js';
import { runFfmpeg } from './run-ffmpeg.js';
import type { Size } from './smart-resize.js';
import { planStretches, type Stretch } from './stretches.js';
import type { Timeline } from './timeline.js';
import { unreadable } from './unreadable.js';

/** Frames that are wanted of a video. */
interface Wanted extends VideoInput {
  timeline: Timeline;
  /** Times in ticks of the timeline, ascending, without repeats. `[count]` */
  wanted: number[];
  size: Size;
}

/**
 * Decodes the frames at exactly the times `wanted`, as RGB of the given size; far apart ones side by side.
 *
 * Colours are converted at full size as PyAV and torchvision do (matrix and range as the stream says, BT.601 limited when
 * it does not), then resized with the bicubic of torch (a = −0.5, antialiased): what the Hugging Face processor does.
 *
 * @returns `[count, height, width, 3]`, or `null` if not exactly the wanted frames came: the container's times are wrong.
 * @throws VideoError `VIDEO_TIMEOUT`, `VIDEO_TOO_LARGE`.
 */
export const decodeFrames = async (request: Wanted): Promise<Uint8Array | null> => {
  const { timeline, wanted, size, signal } = request;
  const frameBytes = size.height * size.width * 3;
  const data = new Uint8Array(wanted.length * frameBytes);
  const stretches = planStretches({ timeline, wanted, cores: usableCpus() });
  const threads = decodingThreads(stretches.length);
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let begin = 0;
  const places = stretches.map((stretch) => {
    const into = data.subarray(begin, begin + stretch.pts.length * frameBytes);
    begin += into.length;
    return { stretch, into };
  });
  // The longest first, lest it be waited for at the end.
  places.sort((a, b) => b.stretch.frames - a.stretch.frames);
  const parts = places.map(async ({ stretch, into }) => {
    const came = await decodeStretch({ ...request, stretch, into, threads, signal: either });
    // The others are then of no use.
    if (!came) failed.abort();
    return came;
  });
  for (const part of parts) part.catch(() => failed.abort());
  const ends = await Promise.allSettled(parts);
  signal?.throwIfAborted();
  if (ends.some((end) => end.status === 'fulfilled' && !end.value)) return null;
  for (const end of ends) if (end.status === 'rejected' && end.reason !== failed.signal.reason) throw end.reason;
  return data;
};

/** @param into as large as its frames. @returns whether exactly its frames came. @throws as `decodeFrames`. */
const decodeStretch = async ({
  stretch: { seek, pts },
  into,
  threads,
  size,
  timeline,
  ...input
}: Omit<Wanted, 'wanted'> & { stretch: Stretch; into: Uint8Array; threads: number }): Promise<boolean> => {
  let filled = 0;
  let overflow = false;
  const seekSeconds = seek === undefined ? undefined : seek * timeline.tick;
  const args = [
    ...inputArgs({ ...input, threads, seekSeconds }),
    ...firstVideoStream,
    ...['-vf', filters({ pts, size })],
    // They come at one frame a second: at this rate none is doubled or dropped, by ffmpeg new or old.
    ...['-r', '1', '-frames:v', String(pts.length), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
  const result = await runFfmpeg(() => {
    filled = 0;
    overflow = false;
    const onOutput = (chunk: Buffer): void => {
      overflow ||= filled + chunk.length > into.length;
      if (overflow) return;
      into.set(chunk, filled);
      filled += chunk.length;
    };
    return { args, onOutput, budget: input.budget, signal: input.signal };
  });
  // The filter lets only these times through, each once and in ascending order: as many frames as times are the frames.
  const came = !overflow && filled === into.length;
  if (!came && result.exceeded !== null) throw unreadable({ input, result });
  return came;
};

const bicubic = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact:param0=0:param1=0.5';

/**
 * Lets the frames of the given times through, each once, and gives them the times 0 s, 1 s, 2 s, …. The count is not left
 * to ffmpeg, which starts it anew when the size of the frames changes halfway.
 */
const filters = ({ pts, size: { height, width } }: { pts: number[]; size: Size }): string => {
  const isWanted = pts.map((time) => `eq(pts,${time})`).join('+');
  const index = `${pts.map((time) => `gte(PTS,${time})`).join('+')}-1`;
  return [
    `select='(${isWanted})*(isnan(prev_selected_pts)+gt(pts,prev_selected_pts))'`,
    `setpts='(${index})/TB'`,
    'format=rgb24',
    `scale=${width}:${height}:flags=${bicubic}`,
  ].join(',');
};
