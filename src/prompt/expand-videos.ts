import { DataError } from '../system/errors.js';
import type { Grid } from './patches.js';

/** Stands for a video in a chat template's text, and for each of its tokens in a prompt. */
export const VIDEO_TOKEN = '<|video_pad|>';

/**
 * Each video's one token becomes as many as the vision tower gives: `t·h·w / mergeSize²`.
 *
 * @throws DataError `PROMPT_INVALID` where there are not as many as videos
 */
export function expandVideos({
  template,
  videoTokenId,
  grids,
  mergeSize,
}: {
  template: Int32Array;
  videoTokenId: number;
  grids: Grid[];
  mergeSize: number;
}): Int32Array {
  const found = template.filter((id) => id === videoTokenId).length;
  if (found !== grids.length) {
    throw new DataError({
      code: 'PROMPT_INVALID',
      message: `a prompt with ${grids.length} video(s) holds ${found} times ${VIDEO_TOKEN}: remove it from the question or the system prompt, and see that the chat template puts it where a video goes.`,
    });
  }
  const counts = grids.map(([t, h, w]) => (t * h * w) / mergeSize ** 2);
  const expanded = new Int32Array(template.length - found + counts.reduce((sum, count) => sum + count, 0));
  let [next, video] = [0, 0];
  for (const id of template) {
    const count = id === videoTokenId ? counts[video++]! : 1;
    expanded.fill(id, next, next + count);
    next += count;
  }
  return expanded;
}
