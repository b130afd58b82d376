/** When each frame of a video is shown. */
export interface Timeline {
  /** Seconds of a tick. */
  tick: number;
  /** Presentation times on the container's clock, in ticks, strictly ascending. `[frames]` */
  pts: number[];
  /** When the last frame ends, in ticks. */
  end: number;
  /** Of `pts`, those where decoding can start, ascending; empty: only at the beginning. */
  keys: number[];
  /** For each of `keys`, the time that ffmpeg must be told to start there, in ticks: at it or a little later. */
  seeks: number[];
}

/** The timeline of frames that were decoded one by one, from their times in ticks. */
export const timelineOfFrames = ({ tick, pts: shown }: { tick: number; pts: number[] }): Timeline => {
  const pts = [...new Set(shown)].sort((a, b) => a - b);
  return { tick, pts, end: endOf({ pts, lastDuration: 0 }), keys: [], seeks: [] };
};

/** A last frame of unknown length lasts as long as the others on average; the only frame, one tick. */
export const endOf = ({ pts, lastDuration }: { pts: number[]; lastDuration: number }): number => {
  const last = pts.at(-1)!;
  if (lastDuration > 0) return last + lastDuration;
  return pts.length > 1 ? last + (last - pts[0]!) / (pts.length - 1) : last + 1;
};

/** Seconds from the start of the video stream. `[frames]` */
export const frameTimes = ({ tick, pts }: Timeline): number[] => pts.map((time) => (time - pts[0]!) * tick);

/** Seconds from a frame to the next, on average. */
export const frameStep = (timeline: Timeline): number => timelineDuration(timeline) / timeline.pts.length;

/** Seconds from the first frame's beginning to the last one's end. */
export const timelineDuration = ({ tick, pts, end }: Timeline): number => (end - pts[0]!) * tick;
