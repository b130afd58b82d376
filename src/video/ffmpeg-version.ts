import { runTool } from '../system/tool.js';

/**
 * The version of the ffmpeg at `path`.
 * @throws Error if it does not run, or is not ffmpeg.
 */
export const ffmpegVersion = async (path: string): Promise<string> => {
  const stdout = await runTool({ command: path, args: ['-version'], timeout: 30_000 });
  const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
  if (version === undefined)
    throw new Error(`${path} is not ffmpeg: -version says ${JSON.stringify(stdout.slice(0, 80))}`);
  return version;
};
