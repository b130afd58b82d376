import { nestedTensorName } from '../../../model-folder/tensor-names.js';
import { openTower } from '../../vision/tower.js';
import type { Family } from '../family.js';
import { type Qwen3VLConfig, qwen3VLSchema } from './config.js';
import { prompt } from './prompt.js';
import { weightShapes } from './shapes.js';
import { towerPlan } from './tower.js';

/** Qwen3-VL, its dense models (Qwen team 2025). */
export const qwen3VL: Family<Qwen3VLConfig> = {
  modelType: 'qwen3_vl',
  schema: qwen3VLSchema,
  weightShapes,
  checkpointName: nestedTensorName,
  openTower: ({ config, parameters }) => openTower({ parameters, plan: towerPlan(config.vision) }),
  prompt,
};
