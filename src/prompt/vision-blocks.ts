import { DataError } from '../system/errors.js';
import type { Grid } from './patches.js';
import type { Visual } from './visual.js';

/** Stand for a picture or a video in a chat template's text, and for each of its tokens in a prompt. */
export const PLACEHOLDERS: Readonly<Record<Visual['kind'], string>> = {
  image: '<|image_pad|>',
  video: '<|video_pad|>',
};

/** Tokens of a picture or a video that stand together: all of them, or those of a slice. */
export interface VisionBlock {
  /** In patches, before merging. */
  grid: Grid;
  /** Positions on the time axis from one slice to the next; 1 unless said. */
  interval?: number;
  /** Text before it. */
  label?: string;
}

/** A picture or a video with the blocks of its tokens. */
interface Placed {
  visual: Visual;
  blocks: readonly VisionBlock[];
}

/** A placeholder, and the tokens around it that belong to it. */
const PLACE = /(<\|vision_start\|>)?<\|(image|video)_pad\|>(<\|vision_end\|>)?/g;
const [START, END] = ['<|vision_start|>', '<|vision_end|>'];

/**
 * Puts blocks into the text of a chat template. A placeholder becomes one for each block. A block with a label stands
 * between `<|vision_start|>` and `<|vision_end|>` of its own, in the place of those that the template puts around.
 *
 * @param visuals each kind in the order in which its placeholders come
 * @returns the text, and what stands in it in its order
 * @throws DataError `PROMPT_INVALID` where there are not as many placeholders as there is to see
 */
export function placeBlocks({ text, visuals }: { text: string; visuals: readonly Placed[] }): {
  text: string;
  placed: Placed[];
} {
  const waiting = {
    image: visuals.filter(({ visual }) => visual.kind === 'image'),
    video: visuals.filter(({ visual }) => visual.kind === 'video'),
  };
  for (const kind of ['video', 'image'] as const) checkCount({ text, kind, wanted: waiting[kind].length });
  const placed: Placed[] = [];
  const whole = text.replaceAll(PLACE, (_, start = '', kind: Visual['kind'], end = '') => {
    const next = waiting[kind].shift()!;
    placed.push(next);
    const token = PLACEHOLDERS[kind];
    const isLabelled = next.blocks.some(({ label }) => label !== undefined);
    if (!isLabelled) return `${start}${next.blocks.map(() => token).join('')}${end}`;
    const blocks = next.blocks.map(({ label = '' }) => `${label}${START}${token}${END}`).join('');
    return start !== '' && end !== '' ? blocks : `${start}${blocks}${end}`;
  });
  return { text: whole, placed };
}

function checkCount({ text, kind, wanted }: { text: string; kind: Visual['kind']; wanted: number }): void {
  const found = text.split(PLACEHOLDERS[kind]).length - 1;
  if (found === wanted) return;
  const what = kind === 'video' ? 'video(s)' : 'picture(s)';
  throw new DataError({
    code: 'PROMPT_INVALID',
    message: `a prompt with ${wanted} ${what} holds ${found} times ${PLACEHOLDERS[kind]}: remove it from the question or the system prompt, and see that the chat template puts it where a ${kind} goes.`,
  });
}

/** Each block's one token becomes as many as the vision tower gives: `t·h·w / mergeSize²`. */
export function expandBlocks(args: {
  template: Int32Array;
  visionTokenIds: readonly number[];
  blocks: readonly VisionBlock[];
  mergeSize: number;
}): Int32Array {
  const { template, visionTokenIds, blocks, mergeSize } = args;
  const counts = blocks.map(({ grid: [t, h, w] }) => (t * h * w) / mergeSize ** 2);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expanded = new Int32Array(template.length - blocks.length + total);
  let [next, block] = [0, 0];
  for (const id of template) {
    const count = visionTokenIds.includes(id) ? counts[block++]! : 1;
    expanded.fill(id, next, next + count);
    next += count;
  }
  return expanded;
}
