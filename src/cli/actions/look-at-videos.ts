import pLimit from 'p-limit';
import type { LookedAt } from '../../dataset/check-videos.js';
import { createProgress } from '../../run/progress.js';
import { usableCpus } from '../../system/cpus.js';
import { SetupError, VideoError } from '../../system/errors.js';
import { ensureFfmpeg } from '../../video/ffmpeg.js';
import { videoLength } from '../../video/video-length.js';

/** Looks into videos, several at a time, and shows how many are done. @returns undefined, once told, without ffmpeg */
export async function lookAtVideos(paths: readonly string[]): Promise<Map<string, LookedAt> | undefined> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  try {
    await ensureFfmpeg({ report: say });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`warning: the videos are not looked into: ${error.message}`);
    return undefined;
  }
  const limit = pLimit(usableCpus());
  const progress = createProgress();
  const found = new Map<string, LookedAt>();
  progress.start(paths.length, 'videos');
  try {
    const look = async (path: string) => {
      found.set(path, await lookAt(path));
      progress.update(found.size);
    };
    await Promise.all(paths.map((path) => limit(look, path)));
  } finally {
    progress.stop();
  }
  return found;
}

async function lookAt(path: string): Promise<LookedAt> {
  try {
    const { duration, frameStep, incomplete } = await videoLength({ file: path });
    return { duration, frameStep, isCut: incomplete };
  } catch (error) {
    if (error instanceof VideoError) return { problem: error.message };
    throw error;
  }
}
