import { openTower } from '../../vision/tower.js';
import type { Family } from '../family.js';
import { type Qwen25VLConfig, qwen25VLSchema } from './config.js';
import { prompt } from './prompt.js';
import { weightShapes } from './shapes.js';
import { towerPlan } from './tower.js';

/** Qwen2.5-VL (Bai et al. 2025). */
export const qwen25VL: Family<Qwen25VLConfig> = {
  modelType: 'qwen2_5_vl',
  schema: qwen25VLSchema,
  weightShapes,
  checkpointName: (name) => name,
  openTower: ({ config, parameters }) => openTower({ parameters, plan: towerPlan(config.vision) }),
  prompt,
};
