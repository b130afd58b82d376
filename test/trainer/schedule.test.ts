import { describe, expect, it } from 'vitest';
import { learningRate, type ScheduleOptions } from '../../src/trainer/schedule.js';
import { readJsonFixture } from '../policy/reference-models.js';

type Case = Omit<ScheduleOptions, 'learning_rate'> & { rates: number[] };

const { learning_rate, cases } = await readJsonFixture<{ learning_rate: number; cases: Case[] }>('schedules.json');

describe('learning rates are those of transformers', () => {
  it.each(cases)(
    '$lr_scheduler_type, $warmup_steps of $max_steps steps to warm up, floor $min_lr_ratio',
    ({ rates, ...options }) => {
      for (const [i, rate] of rates.entries())
        expect(learningRate({ ...options, learning_rate }, i + 1) / learning_rate).toBeCloseTo(
          rate / learning_rate,
          12,
        );
    },
  );
});

describe('min_lr_ratio', () => {
  const options: ScheduleOptions = {
    learning_rate: 1,
    lr_scheduler_type: 'linear',
    warmup_steps: 2,
    max_steps: 10,
    min_lr_ratio: 0.2,
  };

  it('is where a linear schedule would end, and never gone under', () => {
    expect(learningRate(options, 3)).toBe(1);
    expect(learningRate(options, 7)).toBeCloseTo(0.6, 12);
    expect(learningRate(options, 11)).toBeCloseTo(0.2, 12);
    expect(learningRate(options, 15)).toBeCloseTo(0.2, 12);
  });

  it('leaves the warm-up alone', () => {
    expect([1, 2].map((step) => learningRate(options, step))).toEqual([0, 0.5]);
  });
});
