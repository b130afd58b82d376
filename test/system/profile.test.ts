import { describe, expect, it } from 'vitest';
import { Profile } from '../../src/system/profile.js';

/** A profile of two steps, of which it was told what happened in milliseconds. */
function measured(): { profile: Profile; ended: Profile[] } {
  const ended: Profile[] = [];
  const profile = new Profile({ steps: 2, onDone: (profile) => ended.push(profile) });
  const step = (origin: number) => {
    profile.beginStep();
    profile.add({ name: 'MatMul', kind: 'operation', start: origin + 1, duration: 40, detail: '8×512' });
    profile.add({ name: 'VauNorm', kind: 'operation', start: origin + 45, duration: 10 });
    profile.add({ name: 'rollout', kind: 'phase', start: origin, duration: 60 });
    profile.add({ name: 'VauDecodeLayer.Products', kind: 'operation', start: origin + 70, duration: 20 });
    profile.add({ name: 'policy', kind: 'phase', start: origin + 60, duration: 40 });
  };
  for (let i = 0; i < 4; i++) step(1000 * i);
  return { profile, ended };
}

describe('Profile', () => {
  it('records so many steps after the first, and says once that it has them', () => {
    const { profile, ended } = measured();
    expect(ended).toEqual([profile]);
    profile.end();
    expect(ended).toHaveLength(1);
    expect(profile.spans.map(({ start }) => Math.floor(start / 1000))).toEqual([
      ...Array(5).fill(1),
      ...Array(5).fill(2),
    ]);
  });

  it('of a run that is shorter has what there is, and of one step nothing', () => {
    const ended: number[] = [];
    const begun = (steps: number) => {
      const profile = new Profile({ steps: 5, onDone: ({ spans }) => ended.push(spans.length) });
      for (let i = 0; i < steps; i++) {
        profile.beginStep();
        profile.add({ name: 'MatMul', kind: 'operation', start: 0, duration: 1 });
      }
      profile.end();
    };
    begun(3);
    begun(1);
    expect(ended).toEqual([2]);
  });

  it('sums up by operation and phase, a step', () => {
    const lines = measured().profile.summary().split('\n');
    const cells = (name: string) => lines.find((line) => line.startsWith(name))!.split(/ {2,}/);
    expect(lines[0]!.split(/ {2,}/)).toEqual(['operation', 'calls', 'rollout', 'policy', 'ms a step', 'share']);
    expect(cells('MatMul')).toEqual(['MatMul', '1', '40.0', '40.0', '40.0 %']);
    expect(cells('VauDecodeLayer.Products')).toEqual(['VauDecodeLayer.Products', '1', '20.0', '20.0', '20.0 %']);
    expect(cells('(between')).toEqual(['(between operations)', '10.0', '20.0', '30.0', '30.0 %']);
    expect(lines.at(-2)).toBe('60.0 % of the time is in matrix products');
  });

  it('writes a Chrome trace in microseconds', () => {
    const { traceEvents } = JSON.parse(measured().profile.chromeTrace());
    expect(traceEvents).toHaveLength(10);
    expect(traceEvents[0]).toEqual({
      ...{ name: 'MatMul', cat: 'operation', ph: 'X', ts: 1_001_000, dur: 40_000, pid: 1, tid: 1 },
      args: { detail: '8×512' },
    });
  });
});
