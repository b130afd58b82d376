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
}

/** A packet of the video stream. */
export interface Packet {
  /** `null` where the container does not store it. */
  pts: number | null;
  /** In ticks; 0 where unknown. */
  duration: number;
  isKey: boolean;
}

/**
 * The timeline that the container tells, without decoding; packets come in decoding order, so they are sorted.
 * `null` where the container does not tell (AVI with B-frames, raw streams, several packets a frame).
 */
export const timelineOfPackets = ({ tick, packets }: { tick: number; packets: Packet[] }): Timeline | null => {
  const timed: { pts: number; duration: number; isKey: boolean }[] = [];
  for (const { pts, duration, isKey } of packets) {
    if (pts === null) return null;
    timed.push({ pts, duration, isKey });
  }
  timed.sort((a, b) => a.pts - b.pts);
  if (timed.length === 0 || timed.some(({ pts }, i) => i > 0 && pts === timed[i - 1]!.pts)) return null;
  const pts = timed.map((packet) => packet.pts);
  const keys = timed.filter(({ isKey }) => isKey).map((packet) => packet.pts);
  return { tick, pts, end: endOf({ pts, lastDuration: timed.at(-1)!.duration }), keys };
};

/** The timeline of frames that were decoded one by one, from their times in ticks. */
export const timelineOfFrames = ({ tick, pts: shown }: { tick: number; pts: number[] }): Timeline => {
  const pts = [...new Set(shown)].sort((a, b) => a - b);
  return { tick, pts, end: endOf({ pts, lastDuration: 0 }), keys: [] };
};

/** A last frame of unknown length lasts as long as the others on average; the only frame, one tick. */
const endOf = ({ pts, lastDuration }: { pts: number[]; lastDuration: number }): number => {
  const last = pts.at(-1)!;
  if (lastDuration > 0) return last + lastDuration;
  return pts.length > 1 ? last + (last - pts[0]!) / (pts.length - 1) : last + 1;
};

/** Seconds from the start of the video stream. `[frames]` */
export const frameTimes = ({ tick, pts }: Timeline): number[] => pts.map((time) => (time - pts[0]!) * tick);

/** Seconds from the first frame's beginning to the last one's end. */
export const timelineDuration = ({ tick, pts, end }: Timeline): number => (end - pts[0]!) * tick;
