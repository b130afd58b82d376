import type { TaskName } from '../config/task-names.js';
import { TASKS } from './index.js';
import type { Task } from './task.js';

export const taskNamed = (name: TaskName): Task => TASKS.find((task) => task.name === name)!;

/** Whether a task's answer says when something happens: its samples need their times, and have an overlap. */
export const isGrounded = (name: TaskName): boolean => taskNamed(name).form.glue !== undefined;
