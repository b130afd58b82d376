import type { Timeline } from './timeline.js';

/** Starting ffmpeg anew further on costs about as much as decoding this many frames. */
const SEEK_COST = 40;

/** No stretch is cut into pieces of fewer frames only to keep the cores busy. */
const WORTHWHILE = 100;

/** Frames to be had from one start of ffmpeg. */
export interface Stretch {
  /** What to tell ffmpeg to start at, on the container's clock, in ticks; left out: at the beginning. */
  seek?: number;
  /** In ticks, ascending. */
  pts: number[];
  /** How many frames are decoded to have them. */
  frames: number;
}

/** A wanted frame, and the key frame that decoding can start at for it, by their indices among all frames. */
interface Step {
  pts: number;
  index: number;
  key: number;
  seek: number;
}

/**
 * Splits the wanted frames so that long runs of unwanted ones are skipped: a new stretch begins at a key frame wherever
 * reading on to it would decode more frames than a new start is worth; and so that there is work for all cores.
 *
 * @param wanted times in ticks, ascending, without repeats.
 */
export const planStretches = ({
  timeline,
  wanted,
  cores = 1,
}: {
  timeline: Timeline;
  wanted: number[];
  cores?: number;
}): Stretch[] => {
  const steps = stepsTo({ timeline, wanted });
  // Before the first, nothing is decoded.
  const skipped = steps.map(({ key }, i) => key - (i === 0 ? -1 : steps[i - 1]!.index));
  const starts = new Set(skipped.flatMap((frames, i) => (frames > SEEK_COST ? [i] : [])));
  if (steps.length > 0) starts.add(0);
  while (starts.size < cores) {
    const start = balancingStart({ steps, starts, skipped });
    if (start === undefined) break;
    starts.add(start);
  }
  const places = [...starts].sort((a, b) => a - b);
  return places.map((start, i) => {
    const these = steps.slice(start, places[i + 1]);
    const pts = these.map((step) => step.pts);
    const last = these.at(-1)!.index;
    if (start === 0 && skipped[0]! <= SEEK_COST) return { pts, frames: last + 1 };
    return { seek: these[0]!.seek, pts, frames: last + 1 - these[0]!.key };
  });
};

const stepsTo = ({ timeline: { pts, keys, seeks }, wanted }: { timeline: Timeline; wanted: number[] }): Step[] => {
  let key = 0;
  return wanted.map((time) => {
    while (key + 1 < keys.length && keys[key + 1]! <= time) key += 1;
    const isAfterKey = keys.length > 0 && keys[key]! <= time;
    const start = isAfterKey ? keys[key]! : pts[0]!;
    const seek = isAfterKey ? seeks[key]! : start;
    return { pts: time, index: indexIn(pts, time), key: indexIn(pts, start), seek };
  });
};

/** Where to cut the longest stretch that can be cut, nearest to its middle; undefined where that is not worthwhile. */
const balancingStart = ({
  steps,
  starts,
  skipped,
}: {
  steps: Step[];
  starts: ReadonlySet<number>;
  skipped: number[];
}): number | undefined => {
  const places = [...starts].sort((a, b) => a - b);
  let best: { start: number; shorter: number } | undefined;
  places.forEach((first, i) => {
    const last = (places[i + 1] ?? steps.length) - 1;
    for (let start = first + 1; start <= last; start += 1) {
      // The key frame lies before the last wanted one: both halves would decode the same.
      if (skipped[start]! <= 0) continue;
      const before = steps[start - 1]!.index - steps[first]!.key;
      const after = steps[last]!.index - steps[start]!.key;
      const shorter = Math.min(before, after);
      if (shorter >= WORTHWHILE && shorter > (best?.shorter ?? 0)) best = { start, shorter };
    }
  });
  return best?.start;
};

/** The index of `time`, which is among the ascending `times`. */
const indexIn = (times: number[], time: number): number => {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
};
