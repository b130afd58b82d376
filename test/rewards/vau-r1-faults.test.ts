import { expect, test } from 'vitest';
import { loadSamples } from '../../src/dataset/load.js';
import { expectedCompletion, promptText } from '../../src/tasks/words.js';
import { fileWith, vauBench } from '../dataset/temporary.js';
import { anomalySample, answering, clsSample, grounding, normalSample, qaSample, rewardsOf } from './samples.js';

/** Faults of the rewards that VAU-R1 was published with, each with what is right. */

test('[-1, -1], which the prompt asks for on a normal video, earns IoU 1 there', () => {
  expect(promptText({ sample: normalSample, style: 'think' })).toContain('[-1.0, -1.0]');
  expect(rewardsOf(normalSample, grounding('Normal', '[-1.0, -1.0]'))).toEqual({ format: 1, accuracy: 1, iou: 1 });
  expect(rewardsOf(anomalySample, grounding('Anomaly', '[0.0, 0.0]')).iou).toBe(0);
});

test('an anomaly without annotated times is no sample, so that predicting no interval cannot earn IoU 1', async () => {
  const annotations = await fileWith('val.csv', vauBench([{ times: '-1.0,-1.0' }]));
  const { samples, leftOut } = await loadSamples({ source: 'vau-bench', annotations, task: 'tag' });
  expect(samples).toEqual([]);
  expect(leftOut).toEqual([{ reason: 'no times annotated', count: 1, rows: [2] }]);
  const unknown = { ...anomalySample, segment: { kind: 'unknown' as const } };
  expect(rewardsOf(unknown, grounding('Normal', '[-1.0, -1.0]'))).toMatchObject({ accuracy: 0, iou: 0 });
});

test('fine-tuning never learns that an anomaly without times is normal', async () => {
  const annotations = await fileWith('val.csv', vauBench([{ times: '-1.0,-1.0' }, { video: 'b.mp4' }]));
  const { samples } = await loadSamples({ source: 'vau-bench', annotations, task: 'tag' });
  expect(samples.map((sample) => expectedCompletion({ sample, style: 'direct' }))).toEqual([
    '<answer>Anomaly</answer><glue>[1.5, 4.0]</glue>',
  ]);
});

test('an answer that is neither Anomaly nor Normal is wrong, whatever letters it has', () => {
  for (const sample of [normalSample, anomalySample])
    for (const said of ['zzz', 'Xyz', 'Bad', ''])
      for (const glue of ['[-1.0, -1.0]', '[5, 10]']) expect(rewardsOf(sample, grounding(said, glue)).accuracy).toBe(0);
});

test('“Answer: Normal” is Normal, not the letter A', () => {
  expect(rewardsOf(normalSample, grounding('Answer: Normal', '[-1.0, -1.0]')).accuracy).toBe(1);
  expect(rewardsOf(anomalySample, grounding('Answer: Normal', '[-1.0, -1.0]')).accuracy).toBe(0);
});

test('spaces inside the tags cost nothing', () => {
  expect(rewardsOf(anomalySample, grounding(' Anomaly ', ' [5, 10] '))).toEqual({ format: 1, accuracy: 1, iou: 1 });
});

test('a letter in a sentence is not the answer', () => {
  for (const said of ['A man walks', 'Because of B', 'Beyond doubt'])
    expect(rewardsOf(qaSample, answering(said)).accuracy).toBe(0);
});

test('the prompts ask for letters only where the options have letters', () => {
  expect(promptText({ sample: qaSample, style: 'think' })).toMatch(/A\. a fight\n.*letter/s);
  for (const sample of [clsSample, anomalySample])
    expect(promptText({ sample, style: 'think' })).not.toMatch(/letter/i);
});
