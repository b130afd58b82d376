import type { Merger } from '../../vision/merger.js';

/** The table of learned positions. */
export const POSITIONS = 'visual.pos_embed.weight';

const merger = (name: string, normsJoined: boolean): Merger => ({
  norm: `${name}.norm`,
  first: `${name}.linear_fc1`,
  second: `${name}.linear_fc2`,
  normsJoined,
});

export const MERGER = merger('visual.merger', false);

/** The i-th of `deepstack_visual_indexes`. */
export const deepMerger = (i: number): Merger => merger(`visual.deepstack_merger_list.${i}`, true);
