import { clsTask } from './cls.js';
import { qaTask } from './qa.js';
import { reasoningTask } from './reasoning.js';
import { tagTask } from './tag.js';
import type { Task } from './task.js';

/** Every task: the only list of them. The config has their names, in the same order. */
export const TASKS: readonly Task[] = [qaTask, tagTask, clsTask, reasoningTask];
