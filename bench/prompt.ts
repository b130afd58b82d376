import { createHash } from 'node:crypto';
import type { ModelConfig } from '../src/model-folder/model-config.js';
import { mropePositions } from '../src/prompt/positions.js';
import type { Prompt } from '../src/prompt/prompt.js';

const CHANNELS = 3;

/** A prompt with a video, as `peers/prompt.py` makes it from the same numbers. */
export interface VideoPrompt extends Prompt {
  visionTokens: number;
  /** sha256 of the token ids and the patches: equal for all who measure the same thing. */
  digest: string;
}

/**
 * A prompt of `tokens` tokens, about four fifths of them vision: slices of 16 × 16 patches (64 tokens), or 4 × 4 (4
 * tokens) where that is too long.
 */
export function videoPrompt({ config, tokens }: { config: ModelConfig; tokens: number }): VideoPrompt {
  const { grid, visionTokens } = videoSize(tokens);
  const text = Int32Array.from({ length: tokens - visionTokens - 2 }, (_, i) => (i * 7919 + 13) % 256);
  const { videoTokenId, visionStartTokenId, visionEndTokenId } = config;
  const video = Array<number>(visionTokens).fill(videoTokenId);
  const tokenIds = Int32Array.of(text[0]!, visionStartTokenId, ...video, visionEndTokenId, ...text.subarray(1));
  const { temporalPatchSize, patchSize, spatialMergeSize: mergeSize } = config.vision;
  const patches = patchValues(grid[0] * grid[1] * grid[2] * CHANNELS * temporalPatchSize * patchSize ** 2);
  const digest = createHash('sha256').update(tokenIds).update(patches).digest('hex');
  return {
    tokenIds,
    visuals: [{ kind: 'video', patches, grid, times: [] }],
    ...mropePositions({ tokenIds, visionTokenIds: [videoTokenId], blocks: [{ grid }], mergeSize }),
    visionTokens,
    digest,
  };
}

/** @throws RangeError where not even the smallest video fits beside its text */
export function videoSize(tokens: number): { grid: [number, number, number]; visionTokens: number } {
  const side = tokens >= 160 ? 16 : 4;
  const slice = (side / 2) ** 2;
  const slices = Math.max(1, Math.round((0.8 * tokens) / slice));
  const visionTokens = slices * slice;
  if (visionTokens + 4 > tokens) throw new RangeError(`a prompt of ${tokens} tokens is too short for a video`);
  return { grid: [slices, side, side], visionTokens };
}

/** Value i is ((i · 1103515245 + 12345) mod 2³¹) / 2³¹ · 4 − 2, in double precision, then single. */
function patchValues(count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (((i * 1103515245 + 12345) % 2 ** 31) / 2 ** 31) * 4 - 2;
  return values;
}
