import { createHash } from 'node:crypto';
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
  settings: VideoSettings;
  /** Sides of a frame are multiples of this: patch size · merge size of the model. */
  factor: number;
}

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
export const videoKey = async ({ file, settings, factor }: FrameRequest): Promise<string> => {
  const { fps, max_frames, min_pixels, max_pixels } = settings;
  const parts = [KEY_VERSION, ...(await fileIdentity(file)), fps, max_frames, min_pixels, max_pixels, factor];
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
  settings,
  factor,
  cache,
  signal,
}: FrameRequest & { cache?: FrameCache; signal?: AbortSignal }): Promise<Frames> => {
  const key = cache && (await videoKey({ file, settings, factor }));
  const kept = key && (await cache.get(key));
  if (kept) return kept;
  const budget = openBudget(settings);
  const video = await probeVideo({ file, budget, signal });
  const size = frameSize({ video, settings, factor });
  const request = { file, settings, size, budget, signal };
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
  timeline: Timeline;
  settings: VideoSettings;
  size: Size;
  notes: VideoNotes;
}

/** The chosen frames if `timeline` is true, else `null`. */
const framesAlong = async ({
  timeline,
  settings: { fps, max_frames },
  size,
  notes,
  ...input
}: Along): Promise<Frames | null> => {
  const allTimes = frameTimes(timeline);
  const duration = timelineDuration(timeline);
  const chosen = chooseFrames({ times: allTimes, duration, fps, maxFrames: max_frames });
  const distinct = [...new Set(chosen)];
  const wanted = distinct.map((index) => timeline.pts[index]!);
  const decoded = await decodeFrames({ ...input, timeline, wanted, size });
  if (decoded === null) return null;
  const data = distinct.length === chosen.length ? decoded : repeated({ decoded, distinct, chosen });
  const times = chosen.map((index) => allTimes[index]!);
  return { data, count: chosen.length, ...size, times, duration, ...notes };
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
