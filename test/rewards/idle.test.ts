import { expect, test } from 'vitest';
import { idleRewards } from '../../src/rewards/idle.js';
import { sampleOf } from '../tasks/judged.js';
import { ALL } from './pure.js';

const idle = (...tasks: ('qa' | 'tag' | 'cls' | 'reasoning')[]) =>
  idleRewards({ terms: ALL, samples: tasks.map((task) => sampleOf(task, {})) });

test('tells of rewards that apply to none of the tasks', () => {
  expect(idle('qa', 'cls', 'qa')).toEqual([
    'the reward temporal_iou is for none of the tasks of the training samples (qa, cls)',
  ]);
  expect(idle('reasoning')).toEqual([expect.stringContaining('accuracy'), expect.stringContaining('temporal_iou')]);
});

test('is silent where each reward has a task', () => {
  expect(idle('tag')).toEqual([]);
  expect(idle('qa', 'tag')).toEqual([]);
});
