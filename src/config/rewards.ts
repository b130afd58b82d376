import path from 'node:path';
import { z } from 'zod';
import { LIMITS } from './limits.js';

/** What every reward has. */
const weight = z
  .number()
  .min(-LIMITS.factor)
  .max(LIMITS.factor)
  .default(1)
  .describe('Factor in the sum of rewards; 0: measured but not learned from.');

const tokens = () => z.number().multipleOf(1).positive().max(LIMITS.max_completion_length);
const score = () => z.number().min(-LIMITS.factor).max(LIMITS.factor);

/** A term of the reward, by its name; options of its own stand beside the weight. */
export const rewardSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('format'), weight }),
  z.strictObject({ name: z.literal('accuracy'), weight }),
  z.strictObject({ name: z.literal('temporal_iou'), weight }),
  z.strictObject({ name: z.literal('temporal_giou'), weight }),
  z.strictObject({
    name: z.literal('temporal_distance'),
    weight,
    scale: z
      .number()
      .positive()
      .max(LIMITS.factor)
      .default(10)
      .describe('Seconds that a start or an end may be off before it is worth nothing.'),
  }),
  z.strictObject({ name: z.literal('key_points'), weight }),
  z.strictObject({ name: z.literal('judge'), weight }),
  z.strictObject({
    name: z.literal('soft_overlong'),
    weight,
    max_completion_length: tokens()
      .optional()
      .describe('Tokens at which the penalty is whole. Left out: rollout.max_completion_length.'),
    soft_punish_cache: tokens()
      .optional()
      .describe('Tokens before that over which it grows. Left out: a fifth of max_completion_length.'),
  }),
  z.strictObject({
    name: z.literal('length'),
    weight,
    min_length: tokens().default(320).describe('Tokens, the least that earn it.'),
    max_length: tokens().default(512).describe('Tokens, the most that earn it.'),
    normal_min_length: tokens().optional().describe('The same of samples whose video is normal. Left out: min_length.'),
    normal_max_length: tokens().optional().describe('The same of samples whose video is normal. Left out: max_length.'),
    only_right: z.boolean().default(true).describe('Only a right answer earns it, where a rule can tell.'),
  }),
  z.strictObject({
    name: z.literal('repetition'),
    weight,
    ngram_size: z.number().multipleOf(1).positive().max(1000).default(3).describe('Words that are compared together.'),
    max_penalty: score().max(0).default(-1).describe('What a completion that only repeats itself gets.'),
  }),
  z.strictObject({
    name: z.literal('anomaly_verification'),
    weight,
    bonus: score()
      .default(0.5)
      .describe('Where the policy finds the video normal once the segment that it named is cut out.'),
    penalty: score()
      .default(-0.2)
      .describe('Where it called the video normal, and finds an anomaly once an end of it is trimmed.'),
    trim: z.number().gt(0).lt(1).default(0.25).describe('The part of the frames that is trimmed.'),
  }),
  z.strictObject({
    name: z.literal('temporal_contrast'),
    weight,
    num_generations: z
      .number()
      .multipleOf(1)
      .positive()
      .max(LIMITS.num_generations)
      .optional()
      .describe('Completions for the shuffled frames. Left out: half of rollout.num_generations.'),
    threshold: z
      .number()
      .min(0)
      .max(LIMITS.factor)
      .default(0.8)
      .describe('In order, at least this times as many answers must be right as shuffled.'),
  }),
  z.strictObject({
    name: z.literal('module'),
    weight,
    path: z.string().min(1).describe('A TypeScript or JavaScript module whose default export scores a group.'),
    as: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/)
      .optional()
      .describe('Its name in metrics and records. Left out: that of the file.'),
    timeout_s: z
      .number()
      .positive()
      .max(86_400)
      .default(60)
      .describe('Seconds that it may take for a group; then it is stopped, and the group counts as not judged.'),
    concurrency: z
      .number()
      .multipleOf(1)
      .positive()
      .max(1024)
      .default(1)
      .describe('Groups that it is asked about at a time, where it waits for others.'),
  }),
]);

export type RewardConfig = z.output<typeof rewardSchema>;

/** What a term is called in metrics and records. */
export const termName = (term: RewardConfig): string =>
  term.name === 'module' ? (term.as ?? path.parse(term.path).name.replaceAll(/[^A-Za-z0-9_-]/g, '_')) : term.name;

/** The rewards of a config that names none. */
export const DEFAULT_REWARDS: readonly RewardConfig[] = [
  { name: 'format', weight: 1 },
  { name: 'accuracy', weight: 1 },
  { name: 'temporal_iou', weight: 1 },
];
