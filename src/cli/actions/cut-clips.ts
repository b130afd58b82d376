import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { InferenceLine } from '../../evaluation/inference.js';
import { cutClip } from '../../video/cut-clip.js';

/** Cuts the segments that a model has named out of their videos: `<name>_<start>-<end>.mp4`. */
export async function cutClips(args: {
  lines: readonly InferenceLine[];
  folder: string;
  say: (message: string) => void;
  warn: (message: string) => void;
}): Promise<void> {
  const { lines, folder, say, warn } = args;
  await mkdir(folder, { recursive: true });
  let count = 0;
  const taken = new Set<string>();
  for (const { video, segment } of lines) {
    if (!Array.isArray(segment)) continue;
    const [start, end] = segment;
    const name = `${path.parse(video).name}_${start.toFixed(1)}-${end.toFixed(1)}`;
    // Videos of one name from several folders.
    const unique = taken.has(name) ? `${name}_${count}` : name;
    taken.add(unique);
    try {
      await cutClip({ file: video, start, end, to: path.join(folder, `${unique}.mp4`) });
      count += 1;
    } catch (error) {
      warn(`${video}: no clip: ${(error as Error).message}`);
    }
  }
  say(`${folder}: ${count} clips`);
}
