import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { cacheFolder } from '../../src/system/cache-folder.js';
import { fetchedFfmpeg } from '../../src/video/ffmpeg.js';
import { videoLength } from '../../src/video/video-length.js';
import { clipFolder, ffmpeg } from './clips.js';

const folder = await clipFolder();

it('reads a file once, and again when it has changed', async () => {
  const file = join(folder, 'clip.mp4');
  const options = ['-pix_fmt', 'yuv420p', '-movflags', '+faststart'];
  await ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4', ...options, file]);
  const program = process.env.FFMPEG_PATH ?? fetchedFfmpeg();
  vi.stubEnv('FFMPEG_PATH', program);
  vi.stubEnv('VAU_RFT_CACHE', join(folder, 'cache'));
  expect(await videoLength({ file })).toEqual({ duration: 4, frameStep: 0.04, incomplete: false, warnings: [] });

  // A program that is not there shows that none is run.
  vi.stubEnv('FFMPEG_PATH', join(folder, 'none'));
  expect(await videoLength({ file })).toEqual({ duration: 4, frameStep: 0.04, incomplete: false, warnings: [] });
  await truncate(file, Math.floor((await stat(file)).size / 2));
  await expect(videoLength({ file })).rejects.toMatchObject({ code: 'FFMPEG_PATH_BROKEN' });

  vi.stubEnv('FFMPEG_PATH', program);
  const cut = await videoLength({ file });
  expect(cut.duration).toBeLessThan(3);
  expect(cut.incomplete).toBe(true);
  expect(cut.warnings).toEqual([expect.stringContaining('is cut off')]);

  // A damaged entry is found anew.
  const kept = join(cacheFolder(), 'video-lengths');
  for (const name of await readdir(kept))
    await writeFile(join(kept, name), (await readFile(join(kept, name))).subarray(9));
  expect(await videoLength({ file })).toEqual(cut);
});
