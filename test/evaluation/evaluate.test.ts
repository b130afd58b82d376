import { expect, test } from 'vitest';
import { evaluatePredictions } from '../../src/evaluation/evaluate.js';
import { answering, grounding } from '../rewards/samples.js';
import { interval, sampleOf } from '../tasks/judged.js';

const terms = [
  { name: 'format', weight: 1 },
  { name: 'temporal_iou', weight: 2 },
];

test('task by task: headline with its interval, format, rewards', () => {
  const predictions = [
    { sample: sampleOf('qa', { answer: 'A' }), text: answering('A') },
    { sample: sampleOf('qa', { answer: 'B' }), text: '<answer>B</answer>' },
    { sample: sampleOf('tag', { segment: interval(0, 10) }), text: grounding('Anomaly', '[0, 5]') },
    { sample: sampleOf('reasoning', { description: 'A fire.' }), text: answering('A fire.') },
  ];
  const [qa, tag, reasoning, ...more] = evaluatePredictions({
    predictions,
    style: 'think',
    classes: [],
    terms,
    seed: 1,
  });
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
  expect(reasoning).toEqual({ task: 'reasoning', count: 1, metrics: { format: 1, reward: 1, 'rewards/format': 1 } });
});
