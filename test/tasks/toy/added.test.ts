import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadSamples } from '../../../src/dataset/load.js';
import { blindBaselines } from '../../../src/evaluation/blind.js';
import { evaluatePredictions, scorePredictions } from '../../../src/evaluation/evaluate.js';
import { idleRewards } from '../../../src/rewards/idle.js';
import { expectedCompletion, promptText } from '../../../src/tasks/words.js';
import { folderWith } from '../../folder.js';
import { ALL, pureRewards } from '../../rewards/pure.js';
import { NORMALITY } from './normality.js';

/** The line that a new task is added by. */
vi.mock('../../../src/tasks/index.js', async (original) => {
  const { TASKS } = await original<typeof import('../../../src/tasks/index.js')>();
  const { normalityTask } = await import('./normality.js');
  return { TASKS: [...TASKS, normalityTask] };
});

const classes = ['Normal', 'Fire', 'Flood'];
const rewards = await pureRewards(ALL);

async function load(...labels: (string | undefined)[]) {
  const lines = labels.map((label, i) => `${JSON.stringify({ video: `${i}.mp4`, class: label })}\n`);
  const folder = await folderWith({ 'mine.jsonl': lines.join('') });
  return loadSamples({ source: 'jsonl', annotations: join(folder, 'mine.jsonl'), task: NORMALITY, classes });
}

describe('a task that a test adds', () => {
  it('takes the annotations that can serve it, and tells why others cannot', async () => {
    const { samples, leftOut } = await load('Fire', undefined, 'Normal');
    expect(samples.map(({ task, class: label }) => [task, label])).toEqual([
      ['normality', 'Fire'],
      ['normality', 'Normal'],
    ]);
    expect(leftOut).toEqual([{ reason: 'nobody says whether it is normal', count: 1, rows: [2] }]);
  });

  it('has its words in the prompt, and its answer in the target of supervised fine-tuning', async () => {
    const { samples } = await load('Normal');
    expect(promptText({ sample: samples[0]!, style: 'think' })).toBe(
      [
        'Is there calm or trouble in this video?',
        '',
        'Think first. Write exactly in this form, with nothing before or after it:',
        '<think>your reasoning</think><answer>calm or trouble</answer>',
        'Say trouble when in doubt.',
      ].join('\n'),
    );
    expect(expectedCompletion({ sample: samples[0]!, style: 'think' })).toBe(
      '<think>I look for trouble.</think><answer>calm</answer>',
    );
  });

  it('is rewarded for form and right answer, and by no reward that is not for it', async () => {
    const { samples } = await load('Flood');
    const score = async (text: string) => {
      const [scores] = await rewards.scoreGroup([{ sample: samples[0]!, text, style: 'direct', classes }]);
      return scores!.rewards;
    };
    expect(await score('<answer>Trouble</answer>')).toEqual({ format: 1, accuracy: 1, temporal_iou: null });
    expect(await score('<answer>calm</answer>')).toEqual({ format: 1, accuracy: 0, temporal_iou: null });
    expect(await score('<answer>fire</answer>')).toEqual({ format: 0, accuracy: 0, temporal_iou: null });
    expect(idleRewards({ terms: ALL, samples })).toEqual([expect.stringMatching(/temporal_iou .*\(normality\)/)]);
  });

  it('is measured, beside blind guessers', async () => {
    const { samples } = await load('Normal', 'Fire', 'Flood', 'Fire');
    const predictions = samples.map((sample, i) => ({
      sample,
      text: `<answer>${i < 2 ? 'calm' : 'trouble'}</answer>`,
    }));
    const how = { predictions, style: 'direct' as const, classes };
    const scores = await scorePredictions({ ...how, rewards });
    const [evaluation] = evaluatePredictions({ ...how, scores, seed: 1 });
    expect(evaluation).toMatchObject({
      task: 'normality',
      headline: { name: 'accuracy', value: 0.75 },
      metrics: { accuracy: 0.75, called_calm: 0.5, format: 1, reward: 1.75 },
    });
    const [blind] = await blindBaselines({ train: samples, held: samples, classes, rewards, seed: 1 });
    expect(blind).toMatchObject({ task: 'normality', name: 'always trouble', candidates: { 'always calm': 0.25 } });
  });
});
