import type { Judge } from '../judge/judge.js';
import { Interrupted } from '../system/interrupted.js';
import type { VideoSettings } from '../video/frames.js';
import { loadFrames } from '../video/load-frames.js';
import { pictureUrls } from '../video/picture-url.js';
import { annotateVideo } from './annotate-video.js';
import type { AnnotationFolder } from './annotation-folder.js';
import type { Known, Material } from './steps.js';

/** A video that is to be annotated. */
export interface ToAnnotate {
  /** In the annotation file. */
  name: string;
  /** Absolute path. */
  file: string;
  known: Known;
}

/** Sides of frames are multiples of this. */
const FACTOR = 28;

/**
 * Annotates the videos that a folder lacks. Each is written down when it is done.
 *
 * @returns why some could not be, by video
 * @throws Interrupted
 */
export async function annotateVideos(args: {
  judge: Judge;
  videos: readonly ToAnnotate[];
  folder: AnnotationFolder;
  settings: VideoSettings;
  classes: readonly string[];
  prompts?: string;
  seed: number;
  onProgress: (done: number) => void;
  signal: AbortSignal;
}): Promise<Map<string, string>> {
  const { judge, videos, folder, settings, classes, prompts, seed, onProgress, signal } = args;
  const failed = new Map<string, string>();
  let done = 0;
  const one = async ({ name, file, known }: ToAnnotate) => {
    const seen = await materialOf({ file, known, settings }).catch((error: Error) => error);
    if (seen instanceof Error) failed.set(name, seen.message);
    else {
      const material: Material = { ...seen, known, classes, prompts };
      const result = await annotateVideo({ judge, name, material, seed });
      if ('annotated' in result) await folder.add(result.annotated);
      else failed.set(name, result.failed);
    }
    onProgress(++done);
  };
  // A few at a time: how many questions go out at once is the judge's affair, how many frames are held is ours.
  const left = videos.filter(({ name }) => folder.item(name) === undefined);
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (signal.aborted) throw new Interrupted();
      await one(next);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return failed;
}

const AT_A_TIME = 4;

/** A caption stands in place of frames: what was written by somebody who has seen the video. */
async function materialOf(args: {
  file: string;
  known: Known;
  settings: VideoSettings;
}): Promise<Pick<Material, 'images' | 'times'>> {
  const { file, known, settings } = args;
  if (known.caption !== undefined) return { images: [], times: [] };
  const frames = await loadFrames({ file, settings, factor: FACTOR });
  return { images: await pictureUrls(frames), times: frames.times };
}
