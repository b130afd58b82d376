import { endOf, type Timeline } from './timeline.js';

/** A packet of the video stream. */
export interface Packet {
  /** `null` where the container does not store it. */
  pts: number | null;
  /** When it is decoded. */
  dts: number;
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
  #keys: { pts: number[]; dts: number[] } = { pts: [], dts: [] };
  #firstDts: number | null = null;
  #isTold = true;
  #latest = { pts: Number.NEGATIVE_INFINITY, duration: 0 };

  /** Of those that were added, the ones that are kept. */
  get count(): number {
    return this.#pts.length;
  }

  add({ pts, dts, duration, isKey }: Packet): void {
    if (pts === null) this.#isTold = false;
    if (pts === null || !this.#isTold) return;
    this.#pts.push(pts);
    this.#firstDts ??= dts;
    if (isKey) {
      this.#keys.pts.push(pts);
      this.#keys.dts.push(dts);
    }
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
    // MP4 is searched by decoding times, which are taken to be this much before the shown ones everywhere; where the
    // rate varies a key frame's are closer, and asking for its own time would start at the key frame before.
    const shift = pts[0]! - this.#firstDts!;
    const keys = this.#keys.pts.sort((a, b) => a - b);
    const dts = this.#keys.dts.sort((a, b) => a - b);
    const seeks = keys.map((key, i) => {
      const middle = (key + (keys[i + 1] ?? this.#latest.pts)) / 2;
      return Math.max(key, Math.min(dts[i]! + shift, middle));
    });
    return { tick, pts, end: endOf({ pts, lastDuration: this.#latest.duration }), keys, seeks };
  }
}
