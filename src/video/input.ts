import { resolve } from 'node:path';

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
 * @param seekSeconds on the container's clock: start at the last key frame at or before it.
 */
export const inputArgs = ({ file, seekSeconds }: { file: string; seekSeconds?: number }): string[] => [
  '-nostdin',
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  containers.join(','),
  '-copyts',
  ...(seekSeconds === undefined ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seekSeconds.toFixed(6)]),
  '-i',
  `file:${resolve(file)}`,
];

/** The first video stream that is not a cover picture. */
export const firstVideoStream = ['-map', '0:V:0'];
