import type { Tensor } from '../../../tensor/tensor.js';
import { geluMlp } from '../../vision/mlp.js';
import type { TowerPlan } from '../../vision/tower.js';
import type { VisionConfig } from './config.js';
import { deepMerger, MERGER, POSITIONS } from './names.js';

/** The vision tower of Qwen3-VL: learned positions, and features of inner blocks for the decoder's first layers. */
export const towerPlan = (config: VisionConfig): TowerPlan<Tensor> => ({
  depth: config.depth,
  embedDim: config.embedDim,
  heads: config.numHeads,
  merge: config.spatialMergeSize,
  ropeTheta: config.ropeTheta,
  mlp: geluMlp({ form: 'tanh', first: 'linear_fc1', second: 'linear_fc2' }),
  positions: { weight: POSITIONS, side: config.positionsSide },
  merger: MERGER,
  // What a lower block gives goes to a lower layer, in whatever order they are listed.
  deep: config.deepBlocks.map((block, i) => ({ block, merger: deepMerger(i) })).sort((a, b) => a.block - b.block),
});
