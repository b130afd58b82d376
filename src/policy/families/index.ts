import type { Family } from './family.js';
import { qwen25VL } from './qwen2_5_vl/family.js';
import { qwen2VL } from './qwen2_vl/family.js';
import { qwen3VL } from './qwen3_vl/family.js';

/** Every family of models: the only list of them. */
export const FAMILIES: readonly Family[] = [qwen2VL, qwen25VL, qwen3VL];
