import { z } from 'zod';
import { LIMITS } from './limits.js';

/** Not `z.int`, whose issue would keep the combinations from being looked at in the same go. */
export const integer = () => z.number().multipleOf(1);
export const count = (most: number = LIMITS.count) => integer().positive().max(most);
export const countOrZero = () => integer().nonnegative().max(LIMITS.count);
export const factor = () => z.number().max(LIMITS.factor);
export const path = () => z.string().min(1);
