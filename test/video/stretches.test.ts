import { describe, expect, it } from 'vitest';
import { planStretches as plan } from '../../src/video/stretches.js';

/** Without how many frames they take. */
const planStretches = (request: Parameters<typeof plan>[0]) => plan(request).map(({ frames, ...stretch }) => stretch);

describe('planStretches', () => {
  const pts = Array.from({ length: 1000 }, (_, i) => i * 10);
  const keys = pts.filter((_, i) => i % 100 === 0);
  const timeline = { tick: 0.001, pts, end: 10_000, keys, seeks: keys.map((key) => key + 1) };

  it('skips only where that saves work', () => {
    expect(planStretches({ timeline, wanted: [0, 500, 1010, 1950, 2010] })).toEqual([
      { pts: [0, 500] },
      { seek: 1001, pts: [1010, 1950, 2010] },
    ]);
    expect(planStretches({ timeline, wanted: [990, 4900] })).toEqual([{ pts: [990] }, { seek: 4001, pts: [4900] }]);
    expect(planStretches({ timeline, wanted: [5000] })).toEqual([{ seek: 5001, pts: [5000] }]);
  });

  it('counts what is decoded', () => {
    const wanted = [0, 500, 1010, 1950, 2010, 9990];
    expect(plan({ timeline, wanted }).map(({ frames }) => frames)).toEqual([51, 102, 100]);
  });

  it('has work for all cores, where there are key frames to begin at and enough to do', () => {
    const wanted = [0, 990, 1990, 2990, 3990];
    expect(planStretches({ timeline, wanted, cores: 1 })).toEqual([{ pts: wanted }]);
    expect(planStretches({ timeline, wanted, cores: 2 })).toEqual([
      { pts: [0, 990, 1990] },
      { seek: 2001, pts: [2990, 3990] },
    ]);
    // A third would have less than a hundred frames to decode, or begin where it had to decode another's.
    expect(planStretches({ timeline, wanted, cores: 9 })).toHaveLength(2);
    expect(planStretches({ timeline: { ...timeline, keys: [0], seeks: [0] }, wanted, cores: 2 })).toHaveLength(1);
  });

  it('reads on where there is no key frame to go to', () => {
    expect(planStretches({ timeline: { ...timeline, keys: [], seeks: [] }, wanted: [0, 9000] })).toEqual([
      { pts: [0, 9000] },
    ]);
    expect(planStretches({ timeline: { ...timeline, keys: [500], seeks: [500] }, wanted: [10, 490] })).toEqual([
      { pts: [10, 490] },
    ]);
  });
});
