import type { Tensor } from '../../../tensor/tensor.js';
import { geluMlp } from '../../vision/mlp.js';
import type { TowerPlan } from '../../vision/tower.js';
import type { VisionConfig } from './config.js';

/** The vision tower of Qwen2-VL (Wang et al. 2024, §2.1). */
export const towerPlan = (config: VisionConfig): TowerPlan<Tensor> => ({
  depth: config.depth,
  embedDim: config.embedDim,
  heads: config.numHeads,
  merge: config.spatialMergeSize,
  ropeTheta: config.ropeTheta,
  mlp: geluMlp({ form: 'quick', first: 'fc1', second: 'fc2' }),
  merger: {
    norm: 'visual.merger.ln_q',
    first: 'visual.merger.mlp.0',
    second: 'visual.merger.mlp.2',
    normsJoined: false,
  },
});
