import { VideoError } from '../errors.js';
import { firstVideoStream, inputArgs } from './input.js';
import { runFfmpeg } from './run-ffmpeg.js';
import type { Size } from './smart-resize.js';
import type { Timeline } from './timeline.js';

/** Starting ffmpeg anew further on costs about as much as decoding this many frames. */
const SEEK_COST = 40;

/** Frames to be had from one start of ffmpeg. */
interface Stretch {
  /** Where to start on the container's clock, in ticks; left out: at the beginning. */
  seek?: number;
  /** In ticks, ascending. */
  pts: number[];
}

/**
 * Splits the wanted frames so that long runs of unwanted ones are skipped: a new stretch begins at a key frame wherever
 * reading on to it would decode more frames than a new start is worth.
 *
 * @param wanted times in ticks, ascending, without repeats.
 */
export const planStretches = ({
  timeline: { pts, keys },
  wanted,
}: {
  timeline: Timeline;
  wanted: number[];
}): Stretch[] => {
  const order = new Map(pts.map((time, index) => [time, index]));
  const stretches: Stretch[] = [{ pts: [] }];
  let decoded = -1;
  let key = 0;
  for (const time of wanted) {
    while (key + 1 < keys.length && keys[key + 1]! <= time) key += 1;
    const start = keys.length > 0 && keys[key]! <= time ? keys[key]! : pts[0]!;
    if (order.get(start)! - decoded > SEEK_COST) stretches.push({ seek: start, pts: [] });
    stretches.at(-1)!.pts.push(time);
    decoded = order.get(time)!;
  }
  return stretches.filter((stretch) => stretch.pts.length > 0);
};

/**
 * Decodes the frames at exactly the times `wanted`, as RGB of the given size.
 *
 * Colours are converted at full size as PyAV and torchvision do (matrix and range as the stream says, BT.601 limited when
 * it does not), then resized with the bicubic of torch (a = −0.5, antialiased): what the Hugging Face processor does.
 *
 * @param wanted times in ticks of the timeline, ascending, without repeats. `[count]`
 * @returns `[count, height, width, 3]`, or `null` if not exactly the wanted frames came: the container's times are wrong.
 * @throws VideoError `VIDEO_TIMEOUT`.
 */
export const decodeFrames = async ({
  file,
  timeline,
  wanted,
  size: { height, width },
  signal,
}: {
  file: string;
  timeline: Timeline;
  wanted: number[];
  size: Size;
  signal?: AbortSignal;
}): Promise<Uint8Array | null> => {
  const frameBytes = height * width * 3;
  const data = new Uint8Array(wanted.length * frameBytes);
  let filled = 0;
  for (const { seek, pts } of planStretches({ timeline, wanted })) {
    const end = filled + pts.length * frameBytes;
    let overflow = false;
    const { timedOut } = await runFfmpeg({
      args: [
        ...inputArgs({ file, seekSeconds: seek === undefined ? undefined : seek * timeline.tick }),
        ...firstVideoStream,
        '-vf',
        filters({ pts, height, width }),
        // They come at one frame a second: at this rate none is doubled or dropped, by ffmpeg new or old.
        ...['-r', '1', '-frames:v', String(pts.length), '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
      ],
      onOutput: (chunk) => {
        overflow ||= filled + chunk.length > end;
        if (overflow) return;
        data.set(chunk, filled);
        filled += chunk.length;
      },
      signal,
    });
    if (timedOut) {
      const message = `${file}: ffmpeg took too long to decode it and was stopped: encode it anew, or leave it out.`;
      throw new VideoError({ code: 'VIDEO_TIMEOUT', message });
    }
    // The filter lets only these times through, each once and in ascending order: as many frames as times are the frames.
    if (overflow || filled !== end) return null;
  }
  return data;
};

const bicubic = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact:param0=0:param1=0.5';

/**
 * Lets the frames of the given times through, each once, and gives them the times 0 s, 1 s, 2 s, …. The count is not left
 * to ffmpeg, which starts it anew when the size of the frames changes halfway.
 */
const filters = ({ pts, height, width }: { pts: number[] } & Size): string => {
  const isWanted = pts.map((time) => `eq(pts,${time})`).join('+');
  const index = `${pts.map((time) => `gte(PTS,${time})`).join('+')}-1`;
  return [
    `select='(${isWanted})*(isnan(prev_selected_pts)+gt(pts,prev_selected_pts))'`,
    `setpts='(${index})/TB'`,
    'format=rgb24',
    `scale=${width}:${height}:flags=${bicubic}`,
  ].join(',');
};
