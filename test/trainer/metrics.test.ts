import { setTimeout as pass } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../src/trainer/metrics.js';

describe('Stopwatch', () => {
  it('counts a part that waits until it is over, beside parts that do not', async () => {
    const clock = new Stopwatch();
    expect(clock.measure('policy', () => 7)).toBe(7);
    const waited = clock.measure('reward', async () => {
      await pass(30);
      return 8;
    });
    expect(clock.seconds.reward).toBeUndefined();
    expect(await waited).toBe(8);
    await clock.measure('reward', () => pass(30));
    expect(clock.seconds.reward).toBeGreaterThan(0.055);
    expect(clock.seconds.policy).toBeLessThan(0.03);
  });
});
