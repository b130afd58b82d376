import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { cacheFolder } from '../src/system/cache-folder.js';
import { folderWith } from './folder.js';

/** A cache of the test's own, with the tools of the usual one. */
export async function ownCache(): Promise<string> {
  const usual = cacheFolder();
  const cache = await folderWith({});
  for (const tool of ['tensorflow', 'ffmpeg']) await symlink(join(usual, tool), join(cache, tool));
  vi.stubEnv('VAU_RFT_CACHE', cache);
  onTestFinished(() => void vi.unstubAllEnvs());
  return cache;
}
