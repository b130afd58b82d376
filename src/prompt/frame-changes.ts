import { permutation, textKey } from '../system/random.js';
import type { Frames } from '../video/frames.js';

/** What a video is shown as in place of its frames; null where nothing is left of it. */
export type FrameChange = (frames: Frames) => Frames | null;

/** As if the frames from `start` to `end` (seconds) had been cut out of the video: what follows moves up. */
export const cutOut =
  ({ start, end }: { start: number; end: number }): FrameChange =>
  (frames) => {
    const kept = indices(frames).filter((i) => frames.times[i]! < start || frames.times[i]! >= end);
    const gap = end - start;
    return picked(frames, kept, (time) => (time >= end ? time - gap : time));
  };

/** Without the first or the last frames, a `part` of all. */
export const trimmed =
  ({ part, end }: { part: number; end: 'first' | 'last' }): FrameChange =>
  (frames) => {
    const count = Math.max(1, Math.round(frames.count * part));
    if (end === 'last') return picked(frames, indices(frames).slice(0, -count), (time) => time);
    const from = frames.times[count] ?? 0;
    return picked(frames, indices(frames).slice(count), (time) => time - from);
  };

/** In an order that depends on the key alone. A single frame has no order. */
export const shuffled =
  ({ key }: { key: string }): FrameChange =>
  (frames) => {
    if (frames.count < 2) return null;
    const order = [...permutation(frames.count, textKey(key))];
    return { ...picked(frames, order, (time) => time)!, times: frames.times };
  };

/** A grey field in place of each frame. */
export const grey: FrameChange = (frames) => ({ ...frames, data: new Uint8Array(frames.data.length).fill(128) });

const indices = ({ count }: Frames): number[] => [...Array(count).keys()];

function picked(frames: Frames, kept: readonly number[], timeOf: (time: number) => number): Frames | null {
  if (kept.length === 0) return null;
  const bytes = frames.data.length / frames.count;
  const data = new Uint8Array(kept.length * bytes);
  for (const [to, from] of kept.entries()) data.set(frames.data.subarray(from * bytes, (from + 1) * bytes), to * bytes);
  return { ...frames, data, count: kept.length, times: kept.map((i) => timeOf(frames.times[i]!)) };
}
