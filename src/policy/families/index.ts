import type { Family } from './family.js';
import { qwen2VL } from './qwen2_vl/family.js';

/** Every family of models: the only list of them. */
export const FAMILIES: readonly Family[] = [qwen2VL];
