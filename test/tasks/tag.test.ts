import { expect, test } from 'vitest';
import { tagTask } from '../../src/tasks/tag.js';
import { interval, judged, measured, normal } from './judged.js';

test('mean IoU and recall, over all and over the anomalies; normal or anomaly', () => {
  const metrics = measured(
    tagTask,
    judged('tag', [
      [{ segment: interval(0, 10) }, 'Anomaly', '[0, 10]'],
      [{ segment: interval(0, 10) }, 'Anomaly', '[0, 4]'],
      [{ segment: interval(0, 10) }, 'Normal', '[-1, -1]'],
      [{ segment: interval(0, 10) }, 'zzz', '[0, 5]'],
      [{ segment: normal }, 'Normal', '[-1, -1]'],
      [{ segment: normal }, 'Anomaly', '[0, 10]'],
    ]),
  );
  const expected = {
    miou: (1 + 0.4 + 0 + 0.5 + 1 + 0) / 6,
    'recall@0.3': 4 / 6,
    'recall@0.5': 3 / 6,
    'recall@0.7': 2 / 6,
    'anomaly/miou': 1.9 / 4,
    'anomaly/recall@0.3': 3 / 4,
    'anomaly/recall@0.5': 2 / 4,
    'anomaly/recall@0.7': 1 / 4,
    binary_accuracy: 3 / 6,
    binary_balanced_accuracy: (2 / 4 + 1 / 2) / 2,
    binary_f1: 4 / 7,
    binary_recall: 2 / 4,
    false_alarm_rate: 1 / 2,
  };
  expect(Object.keys(metrics)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) expect(metrics[name], name).toBeCloseTo(value, 12);
});

test('always saying anomaly scores the majority rate, and half when balanced', () => {
  const predictions = judged('tag', [
    ...Array.from({ length: 9 }, () => [{ segment: interval(0, 1) }, 'Anomaly', '[5, 6]'] as [object, string, string]),
    [{ segment: normal }, 'Anomaly', '[5, 6]'],
  ]);
  expect(measured(tagTask, predictions)).toMatchObject({
    binary_accuracy: 0.9,
    binary_balanced_accuracy: 0.5,
    miou: 0,
  });
});
