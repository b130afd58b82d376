import { describe, expect, it } from 'vitest';
import { CLIP_CLASSES } from '../../src/synthesize/classes.js';
import { type ClipPlan, planClip } from '../../src/synthesize/plan.js';

const plans = (overrides: { seed?: number; split?: string; clips?: number } = {}): ClipPlan[] => {
  const { seed = 3, split = 'train', clips = 560 } = overrides;
  return Array.from({ length: clips }, (_, index) => planClip({ seed, split, size: 84, seconds: [6, 10] }, index));
};

const count = <T>(values: T[]): Map<T, number> => {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

describe('planClip', () => {
  it('is a pure function of settings and index', () => {
    expect(plans({ clips: 30 })).toEqual(plans({ clips: 30 }));
    expect(plans({ clips: 30 }).map((plan) => plan.key)).not.toEqual(
      plans({ clips: 30, seed: 4 }).map((plan) => plan.key),
    );
  });

  it('makes other clips in another split', () => {
    const keys = new Set(plans().map((plan) => plan.key));
    expect(plans({ split: 'test' }).some((plan) => keys.has(plan.key))).toBe(false);
  });

  it('has every class equally often, and every letter within a class', () => {
    const all = plans({ clips: CLIP_CLASSES.length * 4 * 3 });
    for (const kind of CLIP_CLASSES) {
      const letters = count(all.filter((plan) => plan.class === kind).map((plan) => plan.answer));
      expect([...letters.entries()].sort()).toEqual(['A', 'B', 'C', 'D'].map((letter) => [letter, 3]));
    }
  });

  it('puts the fitting option under the answer, among three different others', () => {
    for (const { answer, options, class: kind } of plans()) {
      expect(options['ABCD'.indexOf(answer)]).toBe(kind.phrase);
      expect(new Set(options).size).toBe(4);
    }
  });

  it('keeps events inside the clip, 2 or 4 seconds long, and gives normal clips none', () => {
    for (const { class: kind, segment, seconds } of plans()) {
      expect([6, 8, 10]).toContain(seconds);
      expect(segment === undefined).toBe(kind.name === 'Normal');
      if (!segment) continue;
      const [start, end] = segment;
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(seconds);
      expect([2, 4]).toContain(end - start);
      expect(start % 2).toBe(0);
    }
  });

  it('draws lengths and times without regard to the class', () => {
    const all = plans({ clips: 7000 });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const quantities: ((plan: ClipPlan) => number)[] = [
      (p) => p.seconds,
      (p) => p.slot[0],
      (p) => p.slot[1] - p.slot[0],
    ];
    for (const quantity of quantities) {
      const values = all.map(quantity);
      const average = mean(values);
      const deviation = Math.sqrt(mean(values.map((value) => (value - average) ** 2)));
      for (const kind of CLIP_CLASSES) {
        const own = all.filter((plan) => plan.class === kind).map(quantity);
        // 21 comparisons: 3.5 standard errors are missed by chance once in 100 seeds.
        expect(Math.abs(mean(own) - average)).toBeLessThan((3.5 * deviation) / Math.sqrt(own.length));
      }
    }
  });
});
