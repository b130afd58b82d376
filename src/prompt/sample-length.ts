import type { Sample } from '../dataset/sample.js';
import { lengthProblem } from '../dataset/segment-length.js';
import { SampleError, VideoError } from '../system/errors.js';
import type { VideoBounds } from '../video/bounds.js';
import type { Frames } from '../video/frames.js';
import { type VideoLength, videoLength } from '../video/video-length.js';

/** What to do with a sample whose annotation goes beyond its video. */
export type PastEnd = 'leave_out' | 'tell';

interface LengthOptions {
  sample: Sample;
  pastEnd: PastEnd;
  /** What looking into the video may cost. */
  bounds: Partial<VideoBounds>;
  /** Takes what is only told. */
  warn: (message: string) => void;
}

/**
 * Compares a sample's annotation with the video that was decoded for it, if there is only that to see.
 *
 * @param frames `duration`: seconds of it that could be decoded
 * @throws SampleError `SEGMENT_PAST_END`, `VIDEO_CUT_OFF`
 */
export async function checkLength({
  frames: { duration, incomplete },
  ...options
}: LengthOptions & { frames: Pick<Frames, 'duration' | 'incomplete'> }): Promise<void> {
  const { segment } = options.sample;
  const mayPass = segment.kind === 'interval' && segment.end > duration;
  if (!mayPass && !incomplete) return;
  await checkFileLength(options);
}

/**
 * The same before the video is decoded, by what its file tells.
 *
 * @throws SampleError also where the file cannot be read as a video
 */
export async function checkFileLength(options: LengthOptions): Promise<void> {
  const { bounds, sample } = options;
  for (const { kind, file } of sample.visuals)
    if (kind === 'video') compare({ ...options, length: await videoLength({ file, bounds }).catch(unreadable(file)) });
}

function compare({
  sample,
  pastEnd,
  warn,
  length,
}: Omit<LengthOptions, 'bounds'> & { length: Omit<VideoLength, 'warnings'> }): void {
  const { duration, frameStep, incomplete } = length;
  const problem = lengthProblem({ sample, video: { duration, frameStep, isCut: incomplete } });
  if (problem === undefined) return;
  if (pastEnd === 'leave_out') throw new SampleError(problem);
  warn(problem.message);
}

/** @throws SampleError for a VideoError, else the error itself */
export const unreadable =
  (file: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof VideoError)) throw cause;
    const { code, message } = cause;
    const reason = REASONS[code] ?? 'the video cannot be read';
    // Another part of it may serve another sample.
    const useless = code === 'VIDEO_PART_EMPTY' ? undefined : file;
    throw new SampleError({ code, message, reason, file: useless, cause });
  };

const REASONS: Record<string, string> = {
  PICTURE_UNREADABLE: 'the picture cannot be read',
  VIDEO_PART_EMPTY: 'video_start is after the end of the video',
};
