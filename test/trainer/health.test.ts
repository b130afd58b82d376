import { describe, expect, it } from 'vitest';
import { Health } from '../../src/trainer/health.js';
import type { Metrics } from '../../src/trainer/metrics.js';

const options = { learning_rate: 0.03, max_completion_length: 16 };
const good: Metrics = { reward: 1.5, 'groups/zero_variance': 0.25, kl: 0.1, 'completions/truncated': 0.1 };

/** What is said in which step. */
function told(steps: Metrics[], health = new Health({ options })): Record<number, string[]> {
  const all = steps.map((metrics, i) => [i + 1, health.observe(i + 1, metrics)] as const);
  return Object.fromEntries(all.filter(([, messages]) => messages.length > 0));
}

const times = (count: number, metrics: Metrics): Metrics[] => Array(count).fill(metrics);

describe('Health', () => {
  it('says nothing of a run that is well, whatever single steps are like', () => {
    const lucky = { ...good, reward: 3 };
    const bad = { ...good, reward: 0, 'groups/zero_variance': 1, kl: 40, 'completions/truncated': 1 };
    expect(told([lucky, ...times(30, good), bad, bad, ...times(20, good), bad, ...times(50, good)])).toEqual({});
  });

  it('tells that nothing is rewarded any more, once', () => {
    const nothing = { ...good, reward: 0, 'groups/zero_variance': 1 };
    const health = new Health({ options });
    const said = told([...times(1, good), ...times(40, nothing)], health);
    // Nor is it told that groups have no spread, or that the reward has fallen: nothing is worse.
    expect(said).toEqual({
      9: [expect.stringMatching(/^step 9: in 8 steps every completion got the reward 0 \(it was 1\.5 .*now 0\.03\)/)],
    });
    expect(health.ruin).toContain('no_reward');
    expect(health.farewell).toMatch(
      /^the run ends with a ruined policy: its reward is 0\.\d+ and was 1\.5 at its best/,
    );
    expect(told(times(10, nothing))[8]![0]).toContain('look into completions.jsonl');
    // Rewards that differ may have the mean 0.
    expect(told(times(10, { ...good, reward: 0 }))).toEqual({});
  });

  it('tells that groups have no spread; that need not be a ruin', () => {
    const health = new Health({ options });
    const same = { ...good, 'groups/zero_variance': 1 };
    expect(told(times(30, same), health)).toEqual({ 20: [expect.stringContaining('the same reward (now 1.5)')] });
    expect([health.ruin, health.farewell]).toEqual([[], undefined]);
  });

  it('tells that most groups of a task agree on a wrong answer', () => {
    const fire = { ...good, 'cls/groups/all_wrong': 0.7, 'cls/groups/all_wrong/Fire': 0.6 };
    const few = {
      ...good,
      'cls/groups/all_wrong': 0.7,
      'cls/groups/all_wrong/Fire': 0.4,
      'cls/groups/all_wrong/Normal': 0.3,
    };
    expect(told(times(20, few))).toEqual({});
    expect(told([...times(7, fire), good, ...times(20, fire)])).toEqual({
      16: [expect.stringContaining('most cls groups gave the same wrong answer (now Fire)')],
    });
  });

  it('tells a policy far from its reference', () => {
    const health = new Health({ options });
    expect(told(times(5, { ...good, kl: 9.88 }), health)).toEqual({
      3: [expect.stringContaining('KL 9.88 nats a token, for 3 steps more than 5')],
    });
    expect(health.ruin).toEqual(['far']);
    // It may come back.
    told([good], health);
    expect([health.ruin, health.farewell]).toEqual([[], undefined]);
  });

  it('says no farewell with rewards that there never were', () => {
    const health = new Health({ options });
    told(times(5, { ...good, kl: 9.88, reward: null }), health);
    expect([health.ruin, health.farewell]).toEqual([['far'], undefined]);
  });

  it('tells that all completions are cut off', () => {
    const health = new Health({ options });
    expect(told(times(9, { ...good, 'completions/truncated': 1 }), health)).toEqual({
      8: [expect.stringContaining('rollout.max_completion_length (16)')],
    });
    expect(health.ruin).toEqual([]);
  });

  it('tells a reward that has fallen by half, smoothed', () => {
    const fallen = { ...good, reward: 0.1 };
    const health = new Health({ options });
    const said = told([...times(30, good), ...times(30, fallen)], health);
    // 1.5 → (1.5 − 0.1) · 0.95ⁿ · (1 − 0.95³⁰) / (1 − 0.95³⁰⁺ⁿ) + 0.1 < 0.75 first at n = 13.
    expect(said).toEqual({ 43: [expect.stringMatching(/the reward has fallen from 1\.5 to 0\.7\d+ \(smoothed\)/)] });
    expect(health.ruin).toEqual(['fallen']);
  });

  it('tells a loss of SFT that has risen, from the first steps on', () => {
    expect(Object.keys(told([...times(2, { loss: 0.5 }), ...times(8, { loss: 9 })]))).toEqual(['3']);
    const said = told([...times(20, { loss: 0.5 }), ...times(20, { loss: 9 })]);
    expect(Object.values(said).flat()).toEqual([expect.stringMatching(/the loss has risen from 0\.5 to 1\.\d+/)]);
    // Ten times as much, but not by a nat; by a nat and a half, but not twice as much; from nothing.
    expect(told([...times(20, { loss: 0.02 }), ...times(20, { loss: 0.2 })])).toEqual({});
    expect(told([...times(20, { loss: 3 }), ...times(99, { loss: 4.5 })])).toEqual({});
    expect(told([{ loss: null }, ...times(20, { loss: 3 })])).toEqual({});
  });

  it('smooths over steps without a start at 0, and passes over what is not finite', () => {
    const health = new Health({ options });
    expect(health.reward).toBe(null);
    for (const reward of [1, Number.NaN, 3]) health.observe(1, { ...good, reward });
    expect(health.reward).toBeCloseTo((0.95 * 1 + 3) / 1.95, 12);
  });

  it('goes on from its state as if it had never stopped', () => {
    const steps = [...times(12, good), ...times(5, { ...good, kl: 9, reward: 0.2 })];
    const whole = new Health({ options });
    told(steps, whole);
    const first = new Health({ options });
    told(steps.slice(0, 13), first);
    const second = new Health({ options, state: JSON.parse(JSON.stringify(first.state)) });
    told(steps.slice(13), second);
    expect(second.state).toEqual(whole.state);
  });
});
