import type { z } from 'zod';
import { reportCombinations } from './combinations.js';
import { optionsSchema } from './options.js';

/** A whole config: its options, the combinations that cannot work, and the run's folder. */
export const configSchema = optionsSchema
  // `when`: also after other problems, so that all of them are reported at once.
  .superRefine(reportCombinations, { when: () => true })
  .transform((options) => ({ ...options, output_dir: options.output_dir ?? `runs/${options.name}` }));

/** A resolved config: every default filled in. */
export type Config = z.output<typeof configSchema>;
