import type { Sample, Segment } from '../dataset/sample.js';
import { bootstrapIntervals } from '../statistics/bootstrap.js';
import { averagePrecision, ranked, rocAuc, type Scored } from '../statistics/ranking.js';
import { videosOf } from './by-video.js';
import type { Figure } from './figures.js';
import { centreScores, type FrameSettings, scoredFrames, voteScores } from './frame-scores.js';
import { guessesAt } from './guessed.js';

type Interval = Extract<Segment, { kind: 'interval' }>;

/** A video with the segments that were drawn for it. */
export interface VotedVideo {
  sample: Sample;
  /** Undefined: the answer could not be read. */
  segments: (Segment | undefined)[];
  /** Seconds. */
  duration: number;
}

interface FrameOptions {
  videos: readonly VotedVideo[];
  settings: FrameSettings;
  /** The interval that a guesser always names; undefined where nothing was learned from. */
  constant: Interval | undefined;
  seed: number;
}

/**
 * How well votes on frames tell anomalous ones, over the frames of all videos together: `frame_auc`, `frame_ap`, and
 * `frame_laap`, an average precision whose recall is worth less the later in the segment it comes (after the latency-aware
 * one of Liu et al. 2025, arXiv 2505.19022; the decay here is linear over the segment). Beside them what a Gaussian in
 * mid-video and a constant interval get.
 */
export function frameFigures({ videos, settings, constant, seed }: FrameOptions): Figure[] {
  const known = [...new Map(videos.map((video) => [videosOf(video.sample), video])).values()];
  const frames = (score: (video: VotedVideo) => number[]) =>
    known.map((video) => {
      const { duration, sample } = video;
      return scoredFrames({ scores: score(video), segment: sample.segment, duration, settings });
    });
  const own = pooled(frames(({ segments, duration }) => voteScores({ segments, duration, settings })));
  const values = own.measure();
  const intervals = bootstrapIntervals({
    count: known.length,
    statistics: (drawn) => {
      const times = new Float64Array(known.length);
      for (const i of drawn) times[i]! += 1;
      return own.measure((video) => times[video]!);
    },
    seed,
  });
  const blind = (name: string, score: (video: VotedVideo) => number[]) => ({
    name,
    metrics: pooled(frames(score)).measure(),
  });
  const sharp = { ...settings, smoothing_s: 0 };
  const guessed = [
    blind('a Gaussian in mid-video', ({ duration }) => centreScores(duration, settings)),
    ...(constant === undefined
      ? []
      : [
          blind(`always ${constant.start}–${constant.end} s`, ({ duration }) =>
            voteScores({ segments: [constant], duration, settings: sharp }),
          ),
        ]),
  ];
  return Object.entries(values)
    .filter(([, value]) => Number.isFinite(value))
    .map(([metric, value]) => {
      const about = { metric, better: 'higher' as const };
      return { ...about, value, ...intervals[metric]!, count: known.length, ...guessesAt(guessed, about) };
    });
}

/** The frames of all videos in one order, which stays when videos are drawn again. */
function pooled(frames: readonly Required<Scored>[][]) {
  const videoOf = frames.flatMap((own, video) => own.map(() => video));
  const order = ranked(frames.flat());
  const alike = { ...order, items: order.items.map(({ score, positive }) => ({ score, positive })) };
  return {
    measure: (weightOf: (video: number) => number = () => 1): Record<string, number> => {
      const weight = (place: number) => weightOf(videoOf[place]!);
      return {
        frame_auc: rocAuc(alike, weight),
        frame_ap: averagePrecision(alike, weight),
        frame_laap: averagePrecision(order, weight),
      };
    },
  };
}
