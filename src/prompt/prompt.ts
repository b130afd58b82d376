import type { Seen } from './seen.js';
import type { Visual } from './visual.js';

/** A prompt as the policy takes it: token ids, what there is to see, 3-D positions. */
export interface Prompt {
  /** `[P]`, with one `<|video_pad|>` or `<|image_pad|>` for every cell of merged patches. */
  tokenIds: Int32Array;
  /** In the order of their tokens. */
  visuals: Visual[];
  /** `[3, P]` row by row: temporal, height and width position of each token (M-RoPE). */
  positions: Int32Array;
  /** Position of the first completion token, on all three axes: one past the largest of `positions`. */
  nextPosition: number;
  /** What it was made of, where somebody else is to be shown the same. */
  shown?: ShownPrompt;
}

/** A prompt in words and pixels. */
export interface ShownPrompt {
  /** Left out: the chat template's own. */
  systemPrompt?: string;
  userText: string;
  seen: readonly Seen[];
}
