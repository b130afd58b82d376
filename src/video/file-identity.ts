import { realpath, stat } from 'node:fs/promises';
import { VideoError } from '../system/errors.js';

/**
 * Tells a file's content from any other without reading it: real path, size in bytes, time of change in nanoseconds.
 *
 * @throws VideoError `VIDEO_NOT_FOUND`.
 */
export const fileIdentity = async (file: string): Promise<[path: string, size: string, changed: string]> => {
  try {
    const path = await realpath(file);
    const { size, mtimeNs } = await stat(path, { bigint: true });
    return [path, String(size), String(mtimeNs)];
  } catch (cause) {
    throw new VideoError({ code: 'VIDEO_NOT_FOUND', message: `There is no file ${file}: check the path.`, cause });
  }
};
