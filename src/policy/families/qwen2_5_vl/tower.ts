import type { GatedMlpSaved } from '../../mlp.js';
import { gatedVisionMlp } from '../../vision/mlp.js';
import type { TowerPlan } from '../../vision/tower.js';
import type { VisionConfig } from './config.js';

/** The vision tower of Qwen2.5-VL (Bai et al. 2025, §2.1.1): windows, and whole slices in a few blocks. */
export function towerPlan(config: VisionConfig): TowerPlan<GatedMlpSaved> {
  const full = new Set(config.fullBlocks);
  return {
    depth: config.depth,
    embedDim: config.embedDim,
    heads: config.numHeads,
    merge: config.spatialMergeSize,
    ropeTheta: config.ropeTheta,
    mlp: gatedVisionMlp,
    windows: { size: config.windowCells, isWindowed: (block) => !full.has(block) },
    merger: {
      norm: 'visual.merger.ln_q',
      first: 'visual.merger.mlp.0',
      second: 'visual.merger.mlp.2',
      normsJoined: false,
    },
  };
}
