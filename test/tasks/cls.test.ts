import { expect, test } from 'vitest';
import { clsTask } from '../../src/tasks/cls.js';
import { judged, measured } from './judged.js';

test('accuracy, by class, balanced, and normal against the rest', () => {
  const classes = ['Normal', 'Fire', 'Fighting'];
  const predictions = judged(
    'cls',
    [
      [{ class: 'Fire' }, 'fire'],
      [{ class: 'Fire' }, 'Fighting'],
      [{ class: 'Fire' }, 'Fighting'],
      [{ class: 'Fire' }, 'Normal'],
      [{ class: 'Normal' }, 'normal'],
      [{ class: 'Normal' }, 'flood'],
    ],
    classes,
  );
  const metrics = measured(clsTask, predictions);
  expect(metrics).toMatchObject({ 'accuracy/Fire': 0.25, 'accuracy/Normal': 0.5, balanced_accuracy: 0.375 });
  expect(metrics.accuracy).toBeCloseTo(2 / 6, 12);
  // Anomalies: 3 of 4 found; normal: 1 of 2, the unread one being no anomaly either. Precision 3/3, recall 3/4.
  expect(metrics.binary_accuracy).toBeCloseTo(4 / 6, 12);
  expect(metrics.binary_balanced_accuracy).toBeCloseTo(0.625, 12);
  expect(metrics.binary_f1).toBeCloseTo(6 / 7, 12);
});

test('without normal samples there is nothing to tell apart', () => {
  expect(measured(clsTask, judged('cls', [[{ class: 'Fire' }, 'Fire']], ['Fire', 'Flood']))).toEqual({
    accuracy: 1,
    balanced_accuracy: 1,
    macro_f1: 1,
    'accuracy/Fire': 1,
  });
});
