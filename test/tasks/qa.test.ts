import { expect, test } from 'vitest';
import { qaTask } from '../../src/tasks/qa.js';
import { judged, measured } from './judged.js';

test('accuracy, and by right letter', () => {
  const predictions = judged('qa', [
    [{ answer: 'A' }, 'A'],
    [{ answer: 'A' }, 'B'],
    [{ answer: 'A' }, 'no idea'],
    [{ answer: 'C' }, '(C)'],
  ]);
  expect(measured(qaTask, predictions)).toEqual({ accuracy: 0.5, 'accuracy/A': 1 / 3, 'accuracy/C': 1 });
});
