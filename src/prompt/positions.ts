import type { VisionBlock } from './vision-blocks.js';

/**
 * M-RoPE positions of a prompt (Qwen2-VL, https://arxiv.org/abs/2409.12191, §2.1): a text token has the same position
 * on all three axes; a vision token has its slice's time, its row and column, counted from where the text before it ends;
 * the text after a block of them starts at the largest position so far plus one.
 *
 * Slice i of a block stands at ⌊i · interval⌋, rounded down after the product, which is made in float32 as in PyTorch.
 *
 * transformers 5 lets the text after a block start at `start + max(h, w) / mergeSize` instead, whatever the times are. The
 * two agree while no time is past `max(h, w) / mergeSize`. The paper's rule is that of the releases which Qwen2-VL and
 * Qwen2.5-VL were trained and published with (4.45 … 4.57), and of vLLM; with the other one, the slices of a long clip and
 * the text after it share positions.
 *
 * @param tokenIds `[P]`, each block expanded to `t·h·w / mergeSize²` tokens of `visionTokenIds`
 * @param blocks in the order of the text
 * @returns `positions: [3, P]` row by row (time, height, width), and the first position after the prompt
 * @throws RangeError if the vision tokens are not those of the blocks.
 */
export function mropePositions({
  tokenIds,
  visionTokenIds,
  blocks,
  mergeSize,
}: {
  tokenIds: Int32Array;
  visionTokenIds: readonly number[];
  blocks: readonly VisionBlock[];
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
  let found = 0;
  for (let token = 0; token < length; ) {
    const id = tokenIds[token]!;
    if (!visionTokenIds.includes(id)) {
      put(token++, nextPosition, nextPosition, nextPosition);
      nextPosition++;
      continue;
    }
    const block = blocks[found++];
    if (!block) throw new RangeError(`token ${token} belongs to block ${found}, but there are ${blocks.length}`);
    const { grid, interval = 1 } = block;
    const [slices, rows, columns] = [grid[0], grid[1] / mergeSize, grid[2] / mergeSize];
    const end = token + slices * rows * columns;
    const given = tokenIds.subarray(token, end);
    if (end > length || given.some((other) => other !== id)) {
      throw new RangeError(`block ${found} needs ${end - token} tokens from token ${token} on`);
    }
    const timeOf = (slice: number): number => Math.floor(Math.fround(slice * Math.fround(interval)));
    for (let slice = 0; slice < slices; slice++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          put(token++, nextPosition + timeOf(slice), nextPosition + row, nextPosition + column);
        }
      }
    }
    nextPosition += Math.max(timeOf(slices - 1) + 1, rows, columns);
  }
  if (found < blocks.length) throw new RangeError(`there are ${blocks.length} blocks, but the tokens of ${found}`);
  return { positions, nextPosition };
}
