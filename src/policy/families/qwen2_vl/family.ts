import { openTower } from '../../vision/tower.js';
import type { Family } from '../family.js';
import { type Qwen2VLConfig, qwen2VLSchema } from './config.js';
import { prompt } from './prompt.js';
import { weightShapes } from './shapes.js';
import { towerPlan } from './tower.js';

/** Qwen2-VL (Wang et al. 2024). */
export const qwen2VL: Family<Qwen2VLConfig> = {
  modelType: 'qwen2_vl',
  schema: qwen2VLSchema,
  weightShapes,
  checkpointName: (name) => name,
  openTower: ({ config, parameters }) => openTower({ parameters, plan: towerPlan(config.vision) }),
  prompt,
};
