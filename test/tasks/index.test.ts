import { expect, test } from 'vitest';
import { TASK_NAMES } from '../../src/config/task-names.js';
import { TASKS } from '../../src/tasks/index.js';
import { isGrounded, taskNamed } from '../../src/tasks/named.js';

test('the config names the tasks that there are', () => {
  expect(TASKS.map(({ name }) => name)).toEqual(TASK_NAMES);
  for (const name of TASK_NAMES) expect(taskNamed(name).name).toBe(name);
});

test('what answers with a span asks for times', () => {
  expect(TASK_NAMES.filter(isGrounded)).toEqual(['tag']);
});
