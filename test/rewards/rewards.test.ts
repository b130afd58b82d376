import { expect, test } from 'vitest';
import { meanRewards, weigh } from '../../src/rewards/scores.js';
import { pureRewards, termsOf } from './pure.js';
import { anomalySample, answering, grounding, qaSample } from './samples.js';

const rewards = await pureRewards(termsOf({ format: 0.5, accuracy: 2, temporal_iou: 1 }));
const score = async (sample: typeof qaSample, text: string) =>
  (await rewards.scoreGroup([{ text, sample, style: 'think', classes: [] }]))[0]!;

test('the weighted sum; a term that does not apply is null and adds nothing', async () => {
  expect(await score(anomalySample, grounding('Anomaly', '[0, 10]'))).toEqual({
    rewards: { format: 1, accuracy: 1, temporal_iou: 0.5 },
    reward: 3,
  });
  expect(await score(qaSample, answering('B'))).toEqual({
    rewards: { format: 1, accuracy: 1, temporal_iou: null },
    reward: 2.5,
  });
});

test('means are over the completions that a term applies to', async () => {
  const scores = [await score(anomalySample, grounding('Anomaly', '[0, 10]')), await score(qaSample, answering('C'))];
  expect(meanRewards(scores)).toEqual({ rewards: { format: 1, accuracy: 0.5, temporal_iou: 0.5 }, reward: 1.75 });
  expect(meanRewards(scores.slice(1)).rewards.temporal_iou).toBeNull();
});

test('of a term that has failed nothing is known, unless it is only watched', () => {
  const terms = (weight: number) => [
    { name: 'format', weight: 1, verdict: { score: 1 } },
    { name: 'judge', weight, verdict: { failed: 'no answer' } },
    { name: 'length', weight: 1, verdict: { skipped: true as const } },
  ];
  const known = { rewards: { format: 1, judge: null, length: null }, failed: { judge: 'no answer' } };
  expect(weigh(terms(-1))).toEqual({ ...known, reward: null });
  expect(weigh(terms(0))).toEqual({ ...known, reward: 1 });
});
