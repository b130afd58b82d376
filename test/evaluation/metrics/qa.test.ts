import { expect, test } from 'vitest';
import { qaMetrics } from '../../../src/evaluation/metrics/qa.js';
import { judged } from './metrics.js';

test('accuracy, and by right letter', () => {
  const predictions = judged('qa', [
    [{ answer: 'A' }, 'A'],
    [{ answer: 'A' }, 'B'],
    [{ answer: 'A' }, 'no idea'],
    [{ answer: 'C' }, '(C)'],
  ]);
  expect(qaMetrics(predictions)).toEqual({ accuracy: 0.5, 'accuracy/A': 1 / 3, 'accuracy/C': 1 });
});
