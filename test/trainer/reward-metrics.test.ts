import { describe, expect, it } from 'vitest';
import type { TaskName } from '../../src/config/task-names.js';
import { commonAnswer } from '../../src/tasks/judge.js';
import { rewardMetrics } from '../../src/trainer/reward-metrics.js';
import { answering, clsSample, qaSample, reasoningSample } from '../rewards/samples.js';

/** A group whose completions earn these rewards of `accuracy`. */
const group = (task: TaskName, rewards: number[], dead: { right: boolean | null; answer?: string } | null = null) => ({
  task,
  scores: rewards.map((reward) => ({ rewards: { accuracy: reward }, reward })),
  dead,
});

describe('rewardMetrics', () => {
  it('are of all groups, and of each task: its share, its rewards, its groups', () => {
    const metrics = rewardMetrics([
      group('qa', [1, 0]),
      group('cls', [0, 0], { right: false, answer: 'Fire' }),
      group('cls', [1, 1], { right: true, answer: 'Normal' }),
      group('cls', [0, 0], { right: false }),
    ]);
    expect(metrics).toMatchObject({
      reward: 3 / 8,
      'groups/zero_variance': 0.75,
      'qa/share': 0.25,
      'qa/reward': 0.5,
      'qa/groups/zero_variance': 0,
      'qa/groups/all_wrong': 0,
      'cls/share': 0.75,
      'cls/rewards/accuracy/mean': 1 / 3,
      'cls/groups/zero_variance': 1,
      'cls/groups/all_wrong': 2 / 3,
      'cls/groups/all_wrong/Fire': 1 / 3,
    });
    expect(Object.keys(metrics).filter((key) => key.includes('all_wrong/'))).toEqual(['cls/groups/all_wrong/Fire']);
  });

  it('say nothing of right and wrong where no rule can tell', () => {
    const metrics = rewardMetrics([group('reasoning', [0.5, 0.5], { right: null })]);
    expect(metrics['reasoning/groups/zero_variance']).toBe(1);
    expect(metrics).not.toHaveProperty(['reasoning/groups/all_wrong']);
  });
});

describe('commonAnswer', () => {
  const of = (sample: typeof qaSample, ...texts: string[]) =>
    commonAnswer({ sample, texts, style: 'think', classes: ['Fire', 'Traffic_accident'] });

  it('is the answer that all give, in whatever words, and whether it is right', () => {
    expect(of(clsSample, answering('Fire'), answering('fire.'))).toEqual({ right: false, answer: 'Fire' });
    expect(of(clsSample, answering('traffic accident'))).toEqual({ right: true, answer: 'Traffic_accident' });
    expect(of(qaSample, answering('A'), answering('C'))).toEqual({ right: false });
    expect(of(qaSample, 'nothing', 'either')).toEqual({ right: false });
    expect(of(reasoningSample, answering('A fire.'))).toEqual({ right: null });
  });
});
