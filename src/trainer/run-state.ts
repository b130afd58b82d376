import { z } from 'zod';
import { curriculumSchema } from '../dataset/curriculum.js';
import { bestStateSchema } from './best-checkpoint.js';
import { healthSchema } from './health.js';

const countsSchema = z.object({
  metrics: z.int().nonnegative(),
  completions: z.int().nonnegative(),
  evaluations: z.int().nonnegative(),
});
/** Lines of the files of records. */
export type RecordCounts = z.infer<typeof countsSchema>;

const inputsSchema = z.object({
  data: z.object({ samples: z.int(), digest: z.string() }),
  /** By the name of the file. */
  model: z.record(z.string(), z.string()),
});
/** Digests of what a run reads: its training samples, and the model that it starts from. */
export type Inputs = z.infer<typeof inputsSchema>;

/**
 * Where a run stands; with the weights and the optimizer's moments, all that resuming needs. What is optional here is
 * missing in checkpoints of earlier versions.
 */
export const stateSchema = z.object({
  step: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  /** Samples taken from the seeded order. */
  data_position: z.int().nonnegative(),
  curriculum: curriculumSchema.optional(),
  /** All randomness is a function of it and of what is drawn; there is no other state. */
  seed: z.int(),
  /** The options that a run cannot be resumed without. */
  options: z.record(z.string(), z.unknown()).optional(),
  inputs: inputsSchema.optional(),
  /** What was changed when the run was resumed, and after which step. */
  changes: z.array(z.object({ after_step: z.int(), change: z.string() })).default([]),
  /** Updates made, for Adam's bias corrections. */
  optimizer_step: z.int().nonnegative(),
  bad_steps: z.int().nonnegative(),
  totals: z.object({ num_tokens: z.number() }),
  records: countsSchema.optional(),
  health: healthSchema.optional(),
  best: bestStateSchema.optional(),
});
export type RunState = z.infer<typeof stateSchema>;
