import { createHash } from 'node:crypto';
import type { ModelConfig } from '../src/model-folder/model-config.js';
import { familyOf } from '../src/policy/families/named.js';
import { mropePositions } from '../src/prompt/positions.js';
import type { Prompt } from '../src/prompt/prompt.js';

const CHANNELS = 3;
/** From slice to slice of the video. */
const SECONDS = 1;

/** A prompt with a video, as `peers/prompt.py` makes it from the same numbers. */
export interface VideoPrompt extends Prompt {
  visionTokens: number;
  /** sha256 of the token ids, the positions and the patches: equal for all who measure the same thing. */
  digest: string;
}

/**
 * A prompt of `tokens` tokens, about four fifths of them vision: slices of 16 × 16 patches (64 tokens), or 4 × 4 (4
 * tokens) where that is too long. They stand in the blocks that the family puts them into; the words that it may write
 * before a block are left out, being text like any.
 *
 * @throws RangeError where not even the smallest video fits beside its text
 */
export function videoPrompt({ config, tokens }: { config: ModelConfig; tokens: number }): VideoPrompt {
  const { grid, visionTokens } = videoSize(tokens);
  const { videoTokenId, visionStartTokenId, visionEndTokenId } = config;
  const { temporalPatchSize, patchSize, spatialMergeSize: mergeSize } = config.vision;
  const times = Array.from({ length: grid[0] * temporalPatchSize }, (_, i) => (i * SECONDS) / temporalPatchSize);
  const blocks = familyOf(config).prompt.blocks({ visual: { kind: 'video', grid, times }, config });
  const textTokens = tokens - visionTokens - 2 * blocks.length;
  if (textTokens < 2) throw new RangeError(`a prompt of ${tokens} tokens is too short for a video`);
  const text = Array.from({ length: textTokens }, (_, i) => (i * 7919 + 13) % 256);
  const video = blocks.flatMap(({ grid: [slices, rows, columns] }) => [
    visionStartTokenId,
    ...Array<number>((slices * rows * columns) / mergeSize ** 2).fill(videoTokenId),
    visionEndTokenId,
  ]);
  const tokenIds = Int32Array.of(text[0]!, ...video, ...text.slice(1));
  const { positions, nextPosition } = mropePositions({ tokenIds, visionTokenIds: [videoTokenId], blocks, mergeSize });
  const patches = patchValues(grid[0] * grid[1] * grid[2] * CHANNELS * temporalPatchSize * patchSize ** 2);
  const digest = createHash('sha256').update(tokenIds).update(positions).update(patches).digest('hex');
  const visuals = [{ kind: 'video' as const, patches, grid, times }];
  return { tokenIds, visuals, positions, nextPosition, visionTokens, digest };
}

/** The video of a prompt of so many tokens, in patches and in tokens. */
export function videoSize(tokens: number): { grid: [number, number, number]; visionTokens: number } {
  const side = tokens >= 160 ? 16 : 4;
  const slice = (side / 2) ** 2;
  const slices = Math.max(1, Math.round((0.8 * tokens) / slice));
  return { grid: [slices, side, side], visionTokens: slices * slice };
}

/** Value i is ((i · 1103515245 + 12345) mod 2³¹) / 2³¹ · 4 − 2, in double precision, then single. */
function patchValues(count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (((i * 1103515245 + 12345) % 2 ** 31) / 2 ** 31) * 4 - 2;
  return values;
}
