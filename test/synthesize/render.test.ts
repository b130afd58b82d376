import { describe, expect, it } from 'vitest';
import { planClip } from '../../src/synthesize/plan.js';
import { CLIP_FPS, renderClip } from '../../src/synthesize/render.js';

const plan = (index: number, size = 84) => planClip({ seed: 5, split: 'train', size, seconds: [6, 8] }, index);

/** Frame at `t` seconds. */
const frameAt = (frames: Uint8Array, size: number, t: number) =>
  frames.subarray(t * CLIP_FPS * size * size * 3, (t * CLIP_FPS + 1) * size * size * 3);

/** Mean over the pixels of the largest minus the smallest channel, below the clock: how colourful a frame is. */
function strongColor(frame: Uint8Array, size: number): number {
  let strong = 0;
  for (let at = size * 30 * 3; at < frame.length; at += 3) {
    const [r, g, b] = [frame[at]!, frame[at + 1]!, frame[at + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 120) strong += 1;
  }
  return strong / (size * size);
}

describe('renderClip', () => {
  it('has the size that the plan says, at any resolution', () => {
    for (const size of [56, 84, 160]) {
      const clip = plan(0, size);
      expect(renderClip(clip).length).toBe(clip.seconds * CLIP_FPS * size * size * 3);
    }
  });

  it('draws the same frames for the same plan, and others for another', () => {
    expect(Buffer.compare(renderClip(plan(1)), renderClip(plan(1)))).toBe(0);
    expect(Buffer.compare(renderClip(plan(1)), renderClip({ ...plan(1), key: 77 }))).not.toBe(0);
  });

  it('shows an event exactly while its segment lasts', () => {
    for (let index = 0; index < 56; index++) {
      const clip = plan(index);
      const frames = renderClip(clip);
      for (let t = 0; t < clip.seconds; t++) {
        const seen = strongColor(frameAt(frames, 84, t), 84) > 0.02;
        const happening = clip.segment !== undefined && t >= clip.segment[0] && t < clip.segment[1];
        expect(seen, `${clip.class.name} ${clip.segment} at ${t}`).toBe(happening);
      }
    }
  });

  it('draws the same scenery whatever the class', () => {
    const clip = plan(2);
    const normal = renderClip({ ...clip, class: { name: 'Normal', phrase: '', description: '' } });
    const fire = renderClip({ ...clip, class: { name: 'Fire', phrase: '', description: '' } });
    const quiet = clip.slot[0] > 0 ? 0 : clip.slot[1];
    expect(frameAt(fire, 84, quiet)).toEqual(frameAt(normal, 84, quiet));
    expect(frameAt(fire, 84, clip.slot[0])).not.toEqual(frameAt(normal, 84, clip.slot[0]));
  });

  it('counts the seconds in the top left corner', () => {
    const frames = renderClip(plan(3));
    const clock = (t: number) => frameAt(frames, 84, t).slice(0, 84 * 3);
    const corner = (t: number) =>
      Array.from({ length: 24 }, (_, row) => [...frameAt(frames, 84, t).slice(row * 84 * 3, row * 84 * 3 + 28 * 3)]);
    expect(new Set([0, 1, 2, 3, 4, 5].map((t) => JSON.stringify(corner(t)))).size).toBe(6);
    expect(clock(0).subarray(0, 3)).toEqual(new Uint8Array([0, 0, 0]));
  });
});
