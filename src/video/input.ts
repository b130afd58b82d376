import { resolve } from 'node:path';
import type { Budget } from './bounds.js';

/** A video file that ffmpeg is to read. */
export interface VideoInput {
  file: string;
  /** What it may cost, of which each reading takes its part. */
  budget: Budget;
  /** No longer wanted. */
  signal?: AbortSignal;
}

/**
 * Containers that are read. Each holds its pictures in itself: playlists, concat scripts, capture devices and the like,
 * which make ffmpeg open other things, are left out on purpose.
 */
const containers = [
  'mov',
  'matroska',
  'avi',
  'mpegts',
  'mpeg',
  'mpegvideo',
  'flv',
  'asf',
  'ogg',
  'ivf',
  'mxf',
  'nut',
  'm4v',
  'h264',
  'hevc',
  'av1',
  'obu',
  'mjpeg',
  'dv',
  'gif',
  'rm',
  'wtv',
  'dhav',
];

/**
 * ffmpeg's arguments to open `file` as a local file and nothing else. The `file:` form makes names that begin with `-`
 * or hold `:` plain names. Timestamps stay the container's own (`-copyts`).
 *
 * @param threads that decode; each takes memory of its own.
 * @param seekSeconds on the container's clock: start at the last key frame at or before it.
 */
export const inputArgs = ({
  file,
  budget,
  threads = 1,
  seekSeconds,
}: Pick<VideoInput, 'file' | 'budget'> & { threads?: number; seekSeconds?: number }): string[] => [
  '-nostdin',
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  containers.join(','),
  '-copyts',
  '-threads',
  String(threads),
  '-max_pixels',
  String(budget.bounds.max_source_pixels),
  ...(seekSeconds === undefined ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', microseconds(seekSeconds)]),
  '-i',
  `file:${resolve(file)}`,
];

/** Rounded up: a hair before a key frame ffmpeg starts at the one before. */
const microseconds = (seconds: number): string => (Math.ceil(seconds * 1e6 - 1e-3) / 1e6).toFixed(6);

/** The first video stream that is not a cover picture. */
export const firstVideoStream = ['-map', '0:V:0'];
