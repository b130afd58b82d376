import { activeBackend } from './active.js';
import type { Kernels } from './kernels.js';

/** The fused passes between matrix products, of the active backend; their results belong to the innermost `scope`. */
export const fused = (): Kernels => activeBackend().kernels;
