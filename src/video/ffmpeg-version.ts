import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * The version of the ffmpeg at `path`.
 * @throws Error if it does not run, or is not ffmpeg.
 */
export const ffmpegVersion = async (path: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(path, ['-version'], { timeout: 30_000, windowsHide: true });
  const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
  if (version === undefined)
    throw new Error(`${path} is not ffmpeg: -version says ${JSON.stringify(stdout.slice(0, 80))}`);
  return version;
};
