import { expect, test } from 'vitest';
import { anomalySample, answering, clsSample, grounding, normalSample, qaSample, rewardsOf } from './samples.js';

test.each([
  ['B', 1],
  ['(b)', 1],
  ['B. a fire', 1],
  ['B. something else', 1],
  ['B. a fight', 0],
  ['C', 0],
  ['a fire', 1],
  ['a fall', 0],
])('qa, right B: %j earns %d', (answer, value) => {
  expect(rewardsOf(qaSample, answering(answer)).accuracy).toBe(value);
});

test.each([
  ['Traffic_accident', 1],
  ['traffic accident', 1],
  ['TrafficAccident', 1],
  ['Traffic-accident.', 1],
  ['Fire', 0],
  ['Traffic', 0],
  ['Traffic_accident or Fire', 0],
])('cls: %j earns %d', (answer, value) => {
  expect(rewardsOf(clsSample, answering(answer)).accuracy).toBe(value);
});

test('tag: the verdict counts, with the interval wrong or missing too', () => {
  expect(rewardsOf(anomalySample, grounding('anomaly', '[50, 60]')).accuracy).toBe(1);
  expect(rewardsOf(anomalySample, answering('Anomaly')).accuracy).toBe(1);
  expect(rewardsOf(normalSample, grounding('Anomaly', '[50, 60]')).accuracy).toBe(0);
});

test('a completion cannot bet on both', () => {
  for (const sample of [normalSample, anomalySample])
    for (const text of [grounding('Normal', '[5, 10]'), grounding('Anomaly', '[-1, -1]')])
      expect(rewardsOf(sample, text)).toEqual({ format: 0, accuracy: 0, iou: 0 });
});

test('the answer counts where the format around it is broken', () => {
  expect(rewardsOf(qaSample, 'So: <answer>B</answer>')).toMatchObject({ format: 0, accuracy: 1 });
});

test('what the format takes for an answer, accuracy can find right, and the other way round', () => {
  const answers = ['B', '**B**', 'B.', 'a fire', 'B. a fight', 'A or B', 'zzz', 'Fire', 'Fire.', '"fire"', 'Fires'];
  for (const sample of [qaSample, { ...clsSample, class: 'Fire' }])
    for (const answer of answers) {
      const { format, accuracy } = rewardsOf(sample, answering(answer));
      expect([answer, accuracy]).toEqual([answer, format]);
    }
});
