import type { Segment } from '../dataset/sample.js';
import type { Scored } from '../statistics/ranking.js';

/** How a video is cut into frames, whatever its own are. */
export interface FrameSettings {
  /** Frames a second. */
  fps: number;
  /** Seconds: standard deviation of the Gaussian that scores are smoothed with along the video; 0: they are not. */
  smoothing_s: number;
}

/** Middles of the frames of a video, in seconds. */
function timesOf(duration: number, { fps }: FrameSettings): number[] {
  const count = Math.max(1, Math.round(duration * fps));
  return Array.from({ length: count }, (_, i) => ((i + 0.5) * duration) / count);
}

const covers = (segment: Segment | undefined, time: number): boolean =>
  segment?.kind === 'interval' && time >= segment.start && time < segment.end;

/**
 * The share of some segments that cover each frame: votes on where the anomaly is. An answer that names none (normal, or
 * not to be read) votes against every frame.
 */
export function voteScores({
  segments,
  duration,
  settings,
}: {
  segments: readonly (Segment | undefined)[];
  duration: number;
  settings: FrameSettings;
}): number[] {
  const times = timesOf(duration, settings);
  const votes = times.map((time) => segments.filter((segment) => covers(segment, time)).length / segments.length);
  return smoothed({ scores: votes, step: duration / times.length, sigma: settings.smoothing_s });
}

/** What nobody has to see a video for: the middle of it is the likeliest. A Gaussian of a quarter of its length. */
export function centreScores(duration: number, settings: FrameSettings): number[] {
  return timesOf(duration, settings).map((time) => Math.exp(-0.5 * ((time - duration / 2) / (duration / 4)) ** 2));
}

/**
 * Frames with what they are annotated as. An anomaly that is found late is worth less: a frame's gain falls from 1 at the
 * start of the segment to 0 at its end.
 */
export function scoredFrames({
  scores,
  segment,
  duration,
  settings,
}: {
  scores: readonly number[];
  segment: Segment;
  duration: number;
  settings: FrameSettings;
}): Required<Scored>[] {
  return timesOf(duration, settings).map((time, i) => {
    const positive = covers(segment, time);
    const gain = positive && segment.kind === 'interval' ? (segment.end - time) / (segment.end - segment.start) : 0;
    return { score: scores[i]!, positive, gain };
  });
}

function smoothed({ scores, step, sigma }: { scores: number[]; step: number; sigma: number }): number[] {
  if (sigma === 0) return scores;
  const reach = Math.ceil((3 * sigma) / step);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * (((i - reach) * step) / sigma) ** 2));
  return scores.map((_, at) => {
    let [sum, whole] = [0, 0];
    for (const [i, weight] of weights.entries()) {
      const score = scores[at + i - reach];
      if (score === undefined) continue;
      sum += weight * score;
      whole += weight;
    }
    return sum / whole;
  });
}
