import type { Grid } from './patches.js';

/**
 * M-RoPE positions of a prompt (Qwen2-VL, https://arxiv.org/abs/2409.12191, §2.1): a text token has the same position
 * on all three axes; a video token has its slice, row and column, counted from where the text before it ends; the text
 * after a video starts at the largest position so far plus one.
 *
 * transformers 5 lets that text start at `start + max(h, w) / mergeSize` instead, whatever `t` is. The two agree while
 * `t ≤ max(h, w) / mergeSize`. The paper's rule is that of the releases which Qwen2-VL was trained and published with
 * (4.45 …), and of vLLM; with the other one, the slices of a long clip and the text after it share positions.
 *
 * @param tokenIds `[P]`, each video expanded to `t·h·w / mergeSize²` tokens `videoTokenId`
 * @param grids of the videos, in the order of the text
 * @returns `positions: [3, P]` row by row (time, height, width), and the first position after the prompt
 * @throws RangeError if the video tokens are not those of the grids.
 */
export function mropePositions({
  tokenIds,
  videoTokenId,
  grids,
  mergeSize,
}: {
  tokenIds: Int32Array;
  videoTokenId: number;
  grids: Grid[];
  mergeSize: number;
}): { positions: Int32Array; nextPosition: number } {
  const length = tokenIds.length;
  const positions = new Int32Array(3 * length);
  const put = (token: number, time: number, row: number, column: number): void => {
    positions[token] = time;
    positions[length + token] = row;
    positions[2 * length + token] = column;
  };

  let nextPosition = 0;
  let video = 0;
  for (let token = 0; token < length; ) {
    if (tokenIds[token] !== videoTokenId) {
      put(token++, nextPosition, nextPosition, nextPosition);
      nextPosition++;
      continue;
    }
    const grid = grids[video++];
    if (!grid) throw new RangeError(`token ${token} belongs to video ${video}, but there are ${grids.length}`);
    const [slices, rows, columns] = [grid[0], grid[1] / mergeSize, grid[2] / mergeSize];
    const end = token + slices * rows * columns;
    const given = tokenIds.subarray(token, end);
    if (end > length || given.some((id) => id !== videoTokenId)) {
      throw new RangeError(`video ${video} needs ${end - token} tokens from token ${token} on`);
    }
    for (let slice = 0; slice < slices; slice++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          put(token++, nextPosition + slice, nextPosition + row, nextPosition + column);
        }
      }
    }
    nextPosition += Math.max(slices, rows, columns);
  }
  if (video < grids.length) throw new RangeError(`there are ${grids.length} grids, but the tokens of ${video} videos`);
  return { positions, nextPosition };
}
