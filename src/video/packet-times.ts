import { endOf, type Timeline } from './timeline.js';

/** A packet of the video stream. */
export interface Packet {
  /** `null` where the container does not store it. */
  pts: number | null;
  /** In ticks; 0 where unknown. */
  duration: number;
  isKey: boolean;
}

/**
 * Takes packets as they come and keeps a number of each, since a day of video has millions. They come in decoding order,
 * so they are sorted at the end.
 */
export class PacketTimes {
  #pts: number[] = [];
  #keys: number[] = [];
  #isTold = true;
  #latest = { pts: Number.NEGATIVE_INFINITY, duration: 0 };

  add({ pts, duration, isKey }: Packet): void {
    if (pts === null) this.#isTold = false;
    if (pts === null || !this.#isTold) return;
    this.#pts.push(pts);
    if (isKey) this.#keys.push(pts);
    if (pts > this.#latest.pts) this.#latest = { pts, duration };
  }

  /**
   * The timeline that the container tells, without decoding; `null` where it does not tell (AVI with B-frames, raw
   * streams, several packets a frame).
   *
   * @param tick seconds.
   */
  timeline(tick: number): Timeline | null {
    if (!this.#isTold || this.#pts.length === 0) return null;
    const pts = this.#pts.sort((a, b) => a - b);
    if (pts.some((time, i) => i > 0 && time === pts[i - 1])) return null;
    const keys = this.#keys.sort((a, b) => a - b);
    return { tick, pts, end: endOf({ pts, lastDuration: this.#latest.duration }), keys };
  }
}
