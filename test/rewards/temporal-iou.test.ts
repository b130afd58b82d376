import { expect, test } from 'vitest';
import { anomalySample, grounding, normalSample, rewardsOf } from './samples.js';

test.each<[string, string, number]>([
  ['Anomaly', '[5, 10]', 1],
  ['Anomaly', '[0, 10]', 0.5],
  ['Anomaly', '[7.5, 12.5]', 1 / 3],
  ['Anomaly', '[10, 20]', 0],
  ['Anomaly', '[10, 5]', 0],
  ['Normal', '[-1, -1]', 0],
])('annotated 5–10 s: %s %s earns %d', (answer, glue, value) => {
  expect(rewardsOf(anomalySample, grounding(answer, glue)).iou).toBeCloseTo(value, 12);
});

test('annotated normal: 1 for normal, 0 for any interval', () => {
  expect(rewardsOf(normalSample, grounding('Normal', '[-1.0, -1.0]')).iou).toBe(1);
  expect(rewardsOf(normalSample, grounding('Anomaly', '[5, 10]')).iou).toBe(0);
});
