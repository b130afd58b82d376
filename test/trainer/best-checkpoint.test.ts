import { describe, expect, it } from 'vitest';
import { BestCheckpoint } from '../../src/trainer/best-checkpoint.js';

describe('BestCheckpoint', () => {
  it('judges a checkpoint by the reward after it, and keeps the one that is not judged yet', () => {
    const best = new BestCheckpoint();
    best.saving(5, 1);
    expect([best.best, best.steps]).toEqual([null, [5]]);
    best.saving(10, 1.2);
    expect([best.best, best.steps]).toEqual([{ step: 5, value: 1.2, by: 'training' }, [5, 10]]);
    // The update of step 10 ruined the policy.
    best.saving(15, 0.7);
    best.saving(20, 0.3);
    expect([best.best?.step, best.steps]).toEqual([5, [5, 20]]);
    best.saving(25, 1.3);
    expect(best.best).toEqual({ step: 20, value: 1.3, by: 'training' });
  });

  it('judges what is left at the end, if there was a step after it', () => {
    const best = new BestCheckpoint();
    best.saving(5, 1);
    best.ending(5, 1);
    expect([best.best, best.steps]).toEqual([null, [5]]);
    best.ending(6, 0.9);
    expect([best.best, best.steps]).toEqual([{ step: 5, value: 0.9, by: 'training' }, [5]]);
  });

  it('keeps the earlier of equals, and knows none without a reward', () => {
    const best = new BestCheckpoint();
    for (const step of [1, 2, 3]) best.saving(step, null);
    expect(best.best).toBe(null);
    for (const step of [4, 5, 6]) best.saving(step, 1);
    expect(best.best?.step).toBe(3);
  });

  it('goes by held-out results once there are some', () => {
    const best = new BestCheckpoint();
    for (const [step, reward] of [
      [5, 1],
      [10, 2],
    ] as const)
      best.saving(step, reward);
    expect(best.evaluated({ step: 10, reward: 0.4, isRuined: false })).toBe(true);
    best.saving(15, 9);
    expect([best.best, best.steps]).toEqual([{ step: 10, value: 0.4, by: 'held-out' }, [10]]);
    expect(best.evaluated({ step: 20, reward: 0.4, isRuined: false })).toBe(false);
    expect(best.evaluated({ step: 30, reward: 0.5, isRuined: true })).toBe(true);
    expect(best.evaluated({ step: 40, reward: Number.NaN, isRuined: false })).toBe(false);
    expect(best.best?.step).toBe(30);
  });

  it('does not give the place of a good checkpoint to a ruin that is the first to be evaluated', () => {
    const best = new BestCheckpoint();
    best.saving(5, 1);
    best.saving(10, 1);
    expect(best.evaluated({ step: 10, reward: 0, isRuined: true })).toBe(false);
    expect(best.best?.step).toBe(5);
    const none = new BestCheckpoint();
    expect(none.evaluated({ step: 10, reward: 0, isRuined: true })).toBe(true);
  });

  it('has the same state for a checkpoint that is written before or after its own evaluation', () => {
    const before = new BestCheckpoint();
    before.saving(5, 1);
    const written = before.stateAt(5);
    const after = new BestCheckpoint(structuredClone(written));
    after.evaluated({ step: 5, reward: 1, isRuined: false });
    expect(after.stateAt(5)).toEqual(written);
    expect(after.stateAt(6).best).toEqual({ step: 5, value: 1, by: 'held-out' });
    // Resumed, the evaluation is found among the records, and told again.
    expect(after.evaluated({ step: 5, reward: 1, isRuined: false })).toBe(false);
    expect(after.stateAt(5)).toEqual(written);
  });

  it('forgets what is not there any more', () => {
    const best = new BestCheckpoint({ best: { step: 5, value: 1, by: 'training' }, pending: 10 });
    best.keepOnly([10, 15]);
    expect([best.best, best.steps]).toEqual([null, [10]]);
  });
});
