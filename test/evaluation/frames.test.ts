import { describe, expect, test } from 'vitest';
import type { Segment } from '../../src/dataset/sample.js';
import { frameFigures, type VotedVideo } from '../../src/evaluation/frame-figures.js';
import { centreScores, scoredFrames, voteScores } from '../../src/evaluation/frame-scores.js';
import { interval, normal, sampleOf } from '../tasks/judged.js';

const settings = { fps: 1, smoothing_s: 0 };

describe('votes on frames', () => {
  test('the share of segments that cover a frame’s middle; what names none votes against all', () => {
    const segments = [interval(1, 3), interval(2, 4), normal, undefined];
    expect(voteScores({ segments, duration: 5, settings })).toEqual([0, 0.25, 0.5, 0.25, 0]);
  });

  test('a short video has one frame, and frames fill the whole length', () => {
    expect(voteScores({ segments: [interval(0, 1)], duration: 0.3, settings })).toEqual([1]);
    expect(voteScores({ segments: [interval(0, 9)], duration: 4.4, settings })).toHaveLength(4);
  });

  test('smoothing keeps their sum about, and what is far apart', () => {
    const segments = [interval(4, 6)];
    const soft = voteScores({ segments, duration: 10, settings: { fps: 1, smoothing_s: 1 } });
    expect(soft[4]).toBeCloseTo(soft[5]!, 12);
    expect(soft[4]).toBeLessThan(1);
    expect(soft[0]).toBeLessThan(0.01);
    // The Gaussian by hand, three standard deviations wide.
    const weights = [-3, -2, -1, 0, 1, 2, 3].map((d) => Math.exp(-(d ** 2) / 2));
    const whole = weights.reduce((a, b) => a + b);
    expect(soft[3]).toBeCloseTo((weights[4]! + weights[5]!) / whole, 12);
  });

  test('a Gaussian in mid-video is highest there', () => {
    const scores = centreScores(9, settings);
    expect(Math.max(...scores)).toBe(scores[4]);
    expect(scores[0]).toBeCloseTo(Math.exp(-0.5 * (4 / 2.25) ** 2), 12);
  });

  test('what is found late is worth less', () => {
    const frames = scoredFrames({ scores: [0, 0, 0, 0], segment: interval(1, 3), duration: 4, settings });
    expect(frames.map(({ positive }) => positive)).toEqual([false, true, true, false]);
    expect(frames.map(({ gain }) => gain)).toEqual([0, 0.75, 0.25, 0]);
  });
});

const video = (file: string, segment: Segment, segments: Segment[]): VotedVideo => ({
  sample: { ...sampleOf('tag', { segment }), visuals: [{ kind: 'video', file }] },
  segments,
  duration: 10,
});

describe('figures of frames', () => {
  const figures = (videos: VotedVideo[]) => {
    const all = frameFigures({ videos, settings, constant: { kind: 'interval', start: 0, end: 2 }, seed: 1 });
    return Object.fromEntries(all.map((one) => [one.metric, one]));
  };

  test('right votes are perfect; beside them stand those who have seen nothing', () => {
    const { frame_auc, frame_ap, frame_laap } = figures([
      video('a', interval(6, 9), [interval(6, 9), interval(6, 9)]),
      video('b', normal, [normal, normal]),
    ]);
    expect([frame_auc!.value, frame_ap!.value, frame_laap!.value]).toEqual([1, 1, 1]);
    expect(Object.keys(frame_auc!.guesses!)).toEqual(['a Gaussian in mid-video', 'always 0–2 s']);
    expect(frame_auc!.blind!.value).toBeLessThan(1);
    expect(frame_auc!.count).toBe(2);
  });

  test('by hand: 3 of 20 frames are anomalous, and 1 of 2 votes is for 2 of them and 2 others', () => {
    const { frame_auc, frame_ap, frame_laap } = figures([
      video('a', interval(6, 9), [interval(4, 8), normal]),
      video('b', normal, [normal, normal]),
    ]);
    // Positives above all negatives but 2 (ties), one at 0 tied with 15.
    expect(frame_auc!.value).toBeCloseTo((2 * (15 + 2 / 2) + 15 / 2) / (3 * 17), 12);
    expect(frame_ap!.value).toBeCloseTo((2 / 3) * (2 / 4) + (1 / 3) * (3 / 20), 12);
    // Gains of the frames at 6.5, 7.5, 8.5: 5/6, 3/6, 1/6 of 1.5.
    expect(frame_laap!.value).toBeCloseTo((8 / 9) * (2 / 4) + (1 / 9) * (3 / 20), 12);
  });

  test('without an anomalous frame there is nothing to tell', () => {
    expect(figures([video('b', normal, [normal])])).toEqual({});
  });
});
