import { configSchema } from '../../src/config/schema.js';
import { type Objective, objectiveOf } from '../../src/trainer/loss/objective.js';

const defaults = objectiveOf(configSchema.parse({ name: 'defaults', model: { path: '.' } }));

/** The objective of a config that gives these settings. */
export const objectiveWith = (settings: Partial<Objective>): Objective => ({ ...defaults, ...settings });
