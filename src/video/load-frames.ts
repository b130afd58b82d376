import { createHash } from 'node:crypto';
import { partLength, type VideoPart } from '../dataset/visual.js';
import { VideoError } from '../system/errors.js';
import { openBudget } from './bounds.js';
import { chooseFrames } from './choose-frames.js';
import { decodeFrames } from './decode.js';
import { fileIdentity } from './file-identity.js';
import type { FrameCache } from './frame-cache.js';
import type { Frames, VideoSettings } from './frames.js';
import type { VideoInput } from './input.js';
import type { VideoNotes } from './notes.js';
import { decodedTimeline, probeVideo, type VideoInfo } from './probe.js';
import { type Size, smartResize } from './smart-resize.js';
import { frameTimes, type Timeline, timelineDuration } from './timeline.js';

/** A video and how its frames are wanted. */
export interface FrameRequest {
  /** Absolute path. */
  file: string;
  /** Left out: the whole video. Times are counted from the part's start. */
  part?: VideoPart;
  settings: VideoSettings;
  /** Sides of a frame are multiples of this: patch size · merge size of the model. */
  factor: number;
}

/** Seconds: less than half a frame's step at any rate. */
const ROUNDING = 1e-3;

/** Seconds that must be lost before it is told: a container may err by a few frames. */
const LOST = 0.5;

/** Raise when the frames that come of the same request change: older cache entries then no longer fit. */
const KEY_VERSION = 3;

/**
 * Names what `loadFrames` would give, without reading the video: real path, size, time of change and settings.
 *
 * @returns 64 hexadecimal digits.
 * @throws VideoError `VIDEO_NOT_FOUND`.
 */
export const videoKey = async ({ file, part, settings, factor }: FrameRequest): Promise<string> => {
  const { fps, max_frames, min_pixels, max_pixels } = settings;
  const parts = [KEY_VERSION, ...(await fileIdentity(file)), fps, max_frames, min_pixels, max_pixels, factor];
  if (part !== undefined) parts.push(part.start, String(part.end));
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
};

/**
 * The frames of a video that the model sees, with their true times: chosen by `chooseFrames`, sized by `smartResize`.
 * With a cache, decoding is done once for each file and settings.
 *
 * @throws VideoError (see `probeVideo`; also `VIDEO_ASPECT_RATIO`); SetupError without ffmpeg.
 */
export const loadFrames = async ({
  file,
  part,
  settings,
  factor,
  cache,
  signal,
}: FrameRequest & { cache?: FrameCache; signal?: AbortSignal }): Promise<Frames> => {
  const key = cache && (await videoKey({ file, part, settings, factor }));
  const kept = key && (await cache.get(key));
  if (kept) return kept;
  const budget = openBudget(settings);
  const video = await probeVideo({ file, budget, signal });
  const size = frameSize({ video, settings, factor });
  const request = { file, part, settings, size, budget, signal };
  const { timeline, incomplete, warnings } = video;
  const notes = { incomplete, warnings };
  const frames =
    (await framesAlong({ ...request, timeline, notes })) ??
    (await framesThatCome({ ...request, promised: video.duration, notes }));
  if (frames === null) {
    const message = `${file} cannot be decoded to the same frames twice: encode it anew, or leave it out.`;
    throw new VideoError({ code: 'VIDEO_UNREADABLE', message });
  }
  if (key) await cache.put(key, frames);
  return frames;
};

/** The container promised frames that do not come (a damaged file, wrong times): goes by those that do. */
const framesThatCome = async ({
  promised,
  notes,
  ...request
}: Omit<Along, 'timeline'> & { promised: number }): Promise<Frames | null> => {
  const timeline = await decodedTimeline(request);
  const lost = promised - timelineDuration(timeline);
  const damage = `${request.file} is damaged: ${lost.toFixed(1)} s of its ${promised.toFixed(1)} s cannot be decoded; fetch it anew.`;
  const told = lost < LOST ? notes : { incomplete: true, warnings: [...notes.warnings, damage] };
  return framesAlong({ ...request, timeline, notes: told });
};

interface Along extends VideoInput {
  part?: VideoPart;
  timeline: Timeline;
  settings: VideoSettings;
  size: Size;
  notes: VideoNotes;
}

/** The chosen frames if `timeline` is true, else `null`. */
const framesAlong = async ({
  timeline,
  part,
  settings: { fps, max_frames },
  size,
  notes,
  ...input
}: Along): Promise<Frames | null> => {
  const { first, times: shown, duration } = shownOf({ file: input.file, timeline, part });
  const chosen = chooseFrames({ times: shown, duration, fps, maxFrames: max_frames }).map((index) => first + index);
  const distinct = [...new Set(chosen)];
  const wanted = distinct.map((index) => timeline.pts[index]!);
  const decoded = await decodeFrames({ ...input, timeline, wanted, size });
  if (decoded === null) return null;
  const data = distinct.length === chosen.length ? decoded : repeated({ decoded, distinct, chosen });
  const times = chosen.map((index) => shown[index - first]!);
  return { data, count: chosen.length, ...size, times, duration, ...notes };
};

/** The frames of a part, from the one numbered `first` on, with times from the part's start, and how long it is. */
const shownOf = ({ file, timeline, part }: { file: string; timeline: Timeline; part?: VideoPart }) => {
  const times = frameTimes(timeline);
  const whole = timelineDuration(timeline);
  if (part === undefined) return { first: 0, times, duration: whole };
  const { start, end = whole } = part;
  // Containers round times: a frame at the very start may be told a hair earlier.
  const inside = times
    .map((time, index) => ({ time: time - start, index }))
    .filter(({ time }) => time >= -ROUNDING && time < end - start - ROUNDING);
  if (inside[0] === undefined) {
    const message = `${file} has no frame from ${start} to ${end} s: ${whole.toFixed(2)} s of it are there.`;
    throw new VideoError({ code: 'VIDEO_PART_EMPTY', message });
  }
  const own = inside.map(({ time }) => Math.max(0, time));
  return { first: inside[0].index, times: own, duration: partLength(whole, part) };
};

/** A frame that was chosen more than once is decoded once. */
const repeated = ({
  decoded,
  distinct,
  chosen,
}: {
  decoded: Uint8Array;
  distinct: number[];
  chosen: number[];
}): Uint8Array => {
  const frameBytes = decoded.length / distinct.length;
  const data = new Uint8Array(chosen.length * frameBytes);
  chosen.forEach((index, i) => {
    const from = distinct.indexOf(index) * frameBytes;
    data.set(decoded.subarray(from, from + frameBytes), i * frameBytes);
  });
  return data;
};

const frameSize = ({
  video: { file, height, width },
  settings: { min_pixels, max_pixels },
  factor,
}: {
  video: VideoInfo;
  settings: VideoSettings;
  factor: number;
}): Size => {
  try {
    return smartResize({ height, width, factor, minPixels: min_pixels, maxPixels: max_pixels });
  } catch (cause) {
    const message = `${file} is ${width}x${height}; one side may be at most 200 times the other: leave it out.`;
    throw new VideoError({ code: 'VIDEO_ASPECT_RATIO', message, cause });
  }
};
