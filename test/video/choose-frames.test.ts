import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chooseFrames } from '../../src/video/choose-frames.js';

// Made by scripts/fixtures/sample_frames.py.
const fixture = new URL('../fixtures/sample-frames.json', import.meta.url);
type Case = [total: number, rate: number, fps: number, maxFrames: number, indices: number[]];
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] };

const even = (total: number, rate: number): number[] => Array.from({ length: total }, (_, i) => i / rate);

describe('chooseFrames', () => {
  it(`takes the frames that transformers takes, in ${cases.length} cases`, () => {
    for (const [total, rate, fps, maxFrames, indices] of cases) {
      const answer = chooseFrames({ times: even(total, rate), duration: total / rate, fps, maxFrames });
      expect(answer, `${total} frames at ${rate}, fps ${fps}, at most ${maxFrames}`).toEqual(indices);
    }
  });

  it('is not led astray by times in whole milliseconds', () => {
    for (const [total, rate, fps, maxFrames, indices] of cases) {
      const times = even(total, rate).map((time) => Math.round(time * 1000) / 1000);
      expect(chooseFrames({ times, duration: times.at(-1)! + 1 / rate, fps, maxFrames })).toEqual(indices);
    }
  });

  it('does not lose a pair of frames to a duration that was rounded down', () => {
    const answer = chooseFrames({ times: even(1800, 30), duration: 59.9995, fps: 1, maxFrames: 768 });
    expect(answer).toHaveLength(60);
  });

  it('takes what is on screen at even times when the rate varies', () => {
    // 10 frames in the first second, then one frame that stays for 7 seconds.
    const times = even(11, 10);
    expect(chooseFrames({ times, duration: 8, fps: 1, maxFrames: 16 })).toEqual([0, 10, 10, 10, 10, 10, 10, 10]);
    // A second of stills, then motion.
    const late = [0, ...even(20, 20).map((time) => time + 2)];
    expect(chooseFrames({ times: late, duration: 3, fps: 2, maxFrames: 6 })).toEqual([0, 0, 0, 0, 1, 11]);
  });

  it('works with one frame, and with three', () => {
    expect(chooseFrames({ times: [0], duration: 0.04, fps: 1, maxFrames: 16 })).toEqual([0]);
    expect(chooseFrames({ times: [0, 0.1, 0.2], duration: 0.3, fps: 1, maxFrames: 16 })).toEqual([0, 1]);
    expect(chooseFrames({ times: even(30, 30), duration: 1, fps: 1, maxFrames: 1 })).toEqual([0]);
  });
});
