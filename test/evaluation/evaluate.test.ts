import { expect, test } from 'vitest';
import { evaluatePredictions, scorePredictions } from '../../src/evaluation/evaluate.js';
import { flatMetrics } from '../../src/evaluation/summary.js';
import { pureRewards, termsOf } from '../rewards/pure.js';
import { answering, grounding } from '../rewards/samples.js';
import { interval, sampleOf } from '../tasks/judged.js';

test('task by task: headline with its interval, format, rewards', async () => {
  const predictions = [
    { sample: sampleOf('qa', { answer: 'A' }), text: answering('A') },
    { sample: sampleOf('qa', { answer: 'B' }), text: '<answer>B</answer>' },
    { sample: sampleOf('tag', { segment: interval(0, 10) }), text: grounding('Anomaly', '[0, 5]') },
    { sample: sampleOf('reasoning', { description: 'A fire.' }), text: answering('A fire.') },
  ];
  const how = { predictions, style: 'think' as const, classes: [] };
  const rewards = await pureRewards(termsOf({ format: 1, temporal_iou: 2 }));
  const scores = await scorePredictions({ ...how, rewards });
  const [qa, tag, reasoning, ...more] = evaluatePredictions({ ...how, scores, seed: 1 });
  expect(more).toEqual([]);
  expect(qa).toMatchObject({
    task: 'qa',
    count: 2,
    headline: { name: 'accuracy', value: 1, low: 1, high: 1 },
    metrics: { accuracy: 1, format: 0.5, reward: 0.5, 'rewards/format': 0.5 },
  });
  expect(qa!.metrics).not.toHaveProperty('rewards/temporal_iou');
  expect(tag).toMatchObject({
    headline: { name: 'miou', value: 0.5 },
    metrics: { miou: 0.5, reward: 2, 'rewards/temporal_iou': 0.5 },
  });
  expect(reasoning).toEqual({
    task: 'reasoning',
    count: 1,
    rewarded: 1,
    metrics: { format: 1, reward: 1, 'rewards/format': 1 },
  });
});

test('an answer that nobody could judge takes no part in the mean reward', () => {
  const sample = sampleOf('qa', { answer: 'A' });
  const predictions = ['A', 'A', 'B'].map((letter) => ({ sample, text: answering(letter) }));
  const scores = [
    { rewards: { accuracy: 1, judge: 1 }, reward: 2 },
    { rewards: { accuracy: 1, judge: null }, reward: null, failed: { judge: 'no answer' } },
    { rewards: { accuracy: 0, judge: 1 }, reward: 1 },
  ];
  const evaluations = evaluatePredictions({ predictions, scores, style: 'think', classes: [], seed: 1 });
  expect(evaluations[0]).toMatchObject({ count: 3, rewarded: 2, metrics: { reward: 1.5, 'rewards/judge': 1 } });
  const unknown = evaluatePredictions({
    predictions: predictions.slice(1, 2),
    scores: scores.slice(1, 2),
    style: 'think',
    classes: [],
    seed: 1,
  });
  expect(unknown[0]!.metrics).not.toHaveProperty('reward');
  // The mean over all tasks is that of the known ones.
  expect(flatMetrics({ evaluations: [...evaluations, ...unknown], blind: [] }).reward).toBe(1.5);
});
