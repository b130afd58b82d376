import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The folder, outside of any project, where things live that can be made or fetched again: ffmpeg, TensorFlow, decoded
 * frames. `VAU_RFT_CACHE`, else `$XDG_CACHE_HOME/vau-rft`, else `~/.cache/vau-rft`. Read at each call; not created.
 */
export const cacheFolder = (): string => {
  const { VAU_RFT_CACHE, XDG_CACHE_HOME } = process.env;
  if (VAU_RFT_CACHE) return resolve(VAU_RFT_CACHE);
  return join(XDG_CACHE_HOME ? resolve(XDG_CACHE_HOME) : join(homedir(), '.cache'), 'vau-rft');
};
