import { z } from 'zod';
import { LIMITS } from './limits.js';

/** What every reward has. */
const weight = z
  .number()
  .min(-LIMITS.factor)
  .max(LIMITS.factor)
  .default(1)
  .describe('Factor in the sum of rewards; 0: measured but not learned from.');

/** A term of the reward, by its name; options of its own stand beside the weight. */
export const rewardSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('format'), weight }),
  z.strictObject({ name: z.literal('accuracy'), weight }),
  z.strictObject({ name: z.literal('temporal_iou'), weight }),
]);

export type RewardConfig = z.output<typeof rewardSchema>;

/** The rewards of a config that names none. */
export const DEFAULT_REWARDS: readonly RewardConfig[] = [
  { name: 'format', weight: 1 },
  { name: 'accuracy', weight: 1 },
  { name: 'temporal_iou', weight: 1 },
];
