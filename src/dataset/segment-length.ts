import { isGrounded } from '../tasks/named.js';
import type { Sample } from './sample.js';
import { onlyVideo, partLength, type VideoPart } from './visual.js';

/** How long a sample's video really is. */
export interface SeenVideo {
  /** Seconds that are there. */
  duration: number;
  /** Seconds from a frame to the next. */
  frameStep: number;
  /** A part of it is not there: a download was cut off, pictures are damaged. */
  isCut: boolean;
}

/** What is wrong between a sample and its video. */
export interface LengthProblem {
  code: 'SEGMENT_PAST_END' | 'VIDEO_CUT_OFF' | 'VIDEO_PART_EMPTY';
  /** Short, and the same for all samples that share it. */
  reason: string;
  /** Of this sample, for people. */
  message: string;
}

/** Times of another unit end far beyond the video; a segment that ends a little later is of a longer version of it. */
const FAR = 2;

/**
 * Compares a sample's annotation with what there is of its video. A segment may pass the end by a frame's step. Where it
 * passes by more, its times are of another unit, or of a video that was longer: a sample of a task that asks for
 * them would teach what is not there. The other tasks do not, but in a video that is cut off what they ask about may be missing:
 * when the segment passes its end, or when nobody wrote down where it is.
 */
export function lengthProblem({ sample, video }: { sample: Sample; video: SeenVideo }): LengthProblem | undefined {
  const { id, task, segment, visuals } = sample;
  const shown = onlyVideo(visuals);
  if (shown === undefined) return undefined;
  const { file, part } = shown;
  const whole = video.duration;
  if (part !== undefined && part.start >= whole) return partPastEnd({ id, file, part, whole });
  const { frameStep, isCut } = video;
  const duration = partLength(whole, part);
  if (segment.kind === 'interval' && segment.end > duration + frameStep + 1e-6 && (isGrounded(task) || isCut)) {
    const cause = guess({ ...segment, video: { ...video, duration } });
    const span = `[${segment.start}, ${segment.end}]`;
    const message = `${id}: its segment ${span} ends after the video (${file}), of which ${round(duration)} s are there: ${cause.long}`;
    return { code: 'SEGMENT_PAST_END', reason: `the segment ends after the video (${cause.short})`, message };
  }
  if (!isCut || segment.kind !== 'unknown') return undefined;
  const message = `${id}: ${round(duration)} s of its video (${file}) are there; the rest is cut off or damaged, and what the annotation tells of may be in it`;
  return { code: 'VIDEO_CUT_OFF', reason: 'the video is cut off or damaged', message };
}

function partPastEnd(args: { id: string; file: string; part: VideoPart; whole: number }): LengthProblem {
  const { id, file, part, whole } = args;
  const message = `${id}: its video_start (${part.start}) is after the end of the video (${file}), of which ${round(whole)} s are there`;
  return { code: 'VIDEO_PART_EMPTY', reason: 'video_start is after the end of the video', message };
}

interface Times {
  start: number;
  end: number;
  video: SeenVideo;
}

/** What may have made a segment end after its video. */
function guess({ start, end, video: { duration, frameStep, isCut } }: Times): { short: string; long: string } {
  if (isCut) return { short: 'the file is cut off or damaged', long: 'the file is cut off or damaged; fetch it anew' };
  const inside = (seconds: number) => seconds <= duration + 2 * frameStep;
  const far = end > FAR * duration;
  if (far && Number.isInteger(start) && Number.isInteger(end) && inside(end * frameStep)) {
    const rate = round(1 / frameStep);
    const span = `[${round(start * frameStep)}, ${round(end * frameStep)}]`;
    return {
      short: 'frame numbers?',
      long: `are its times frame numbers? at ${rate} frames a second they are ${span} s`,
    };
  }
  if (far && inside(end / 1000)) {
    const span = `[${round(start / 1000)}, ${round(end / 1000)}]`;
    return { short: 'milliseconds?', long: `are its times milliseconds? in seconds they are ${span}` };
  }
  return {
    short: 'another version of the video?',
    long: 'is it the video that was annotated, whole, and are the times in seconds from its start?',
  };
}

const round = (value: number) => Number(value.toFixed(2));
