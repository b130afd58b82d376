import { expect, test } from 'vitest';
import { meanRewards, scoreCompletion } from '../../src/rewards/total.js';
import { anomalySample, answering, grounding, qaSample } from './samples.js';

const terms = [
  { name: 'format', weight: 0.5 },
  { name: 'accuracy', weight: 2 },
  { name: 'temporal_iou', weight: 1 },
];
const score = (sample: typeof qaSample, text: string) =>
  scoreCompletion({ terms, input: { text, sample, style: 'think', classes: [] } });

test('the weighted sum; a term that does not apply is null and adds nothing', () => {
  expect(score(anomalySample, grounding('Anomaly', '[0, 10]'))).toEqual({
    rewards: { format: 1, accuracy: 1, temporal_iou: 0.5 },
    reward: 3,
  });
  expect(score(qaSample, answering('B'))).toEqual({
    rewards: { format: 1, accuracy: 1, temporal_iou: null },
    reward: 2.5,
  });
});

test('means are over the completions that a term applies to', () => {
  const scores = [score(anomalySample, grounding('Anomaly', '[0, 10]')), score(qaSample, answering('C'))];
  expect(meanRewards(scores)).toEqual({ rewards: { format: 1, accuracy: 0.5, temporal_iou: 0.5 }, reward: 1.75 });
  expect(meanRewards(scores.slice(1)).rewards.temporal_iou).toBeNull();
});

test('a reward that there is not', () => {
  const run = () =>
    scoreCompletion({
      terms: [{ name: 'luck', weight: 1 }],
      input: { text: '', sample: qaSample, style: 'think', classes: [] },
    });
  expect(run).toThrow('there is no reward “luck”; there are format, accuracy, temporal_iou');
});
