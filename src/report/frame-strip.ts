import type { VisualFile } from '../dataset/visual.js';
import type { VideoSettings } from '../video/frames.js';
import { loadFrames } from '../video/load-frames.js';
import { pictureUrls } from '../video/picture-url.js';
import { escapeHtml } from './html.js';

/** Frames of a page's strip, and their size. */
const SIZE = { frames: 10, pixels: 160 * 120 };

/** Pictures of a video, with their times, and how long it is. */
export interface Strip {
  duration: number;
  frames: { time: number; url: string }[];
}

/** A few small frames, spread over a video or a part of it. @throws VideoError */
export async function frameStrip(
  { file, part }: Pick<VisualFile, 'file' | 'part'>,
  bounds: VideoSettings,
  size = SIZE,
): Promise<Strip> {
  const settings = { ...bounds, fps: 1000, max_frames: size.frames, min_pixels: 64, max_pixels: size.pixels };
  const frames = await loadFrames({ file, part, settings, factor: 4 });
  const urls = await pictureUrls(frames);
  return { duration: frames.duration, frames: urls.map((url, i) => ({ time: frames.times[i]!, url })) };
}

export const stripHtml = ({ frames }: Strip): string =>
  `<div class="frames">${frames
    .map(
      ({ time, url }) =>
        `<figure><img src="${escapeHtml(url)}" alt="frame at ${time.toFixed(1)} s"><figcaption>${time.toFixed(1)} s</figcaption></figure>`,
    )
    .join('')}</div>`;

/** A line of a video's length, with spans on it and, where they are known, the scores of its frames. */
export function timelineHtml(args: {
  duration: number;
  spans: readonly { start: number; end: number; label: string; color: string }[];
  scores?: readonly number[];
}): string {
  const { duration, spans, scores = [] } = args;
  const x = (time: number) => ((1000 * Math.min(Math.max(time, 0), duration)) / duration).toFixed(1);
  const bars = spans.map(
    ({ start, end, label, color }, i) =>
      `<rect x="${x(start)}" y="${26 + 9 * i}" width="${Math.max(2, Number(x(end)) - Number(x(start)))}" height="7" fill="${color}"><title>${escapeHtml(label)}</title></rect>`,
  );
  const points = scores.map(
    (score, i) => `${((1000 * (i + 0.5)) / scores.length).toFixed(1)},${(22 - 20 * score).toFixed(1)}`,
  );
  const curve =
    points.length === 0
      ? ''
      : `<polyline points="${points.join(' ')}" fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"/>`;
  return `<svg viewBox="0 0 1000 44" preserveAspectRatio="none" role="img" aria-label="timeline of ${duration.toFixed(1)} s"><line x1="0" x2="1000" y1="24" y2="24" stroke="currentColor" stroke-opacity=".4"/>${curve}${bars.join('')}</svg>`;
}
