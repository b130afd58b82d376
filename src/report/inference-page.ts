import path from 'node:path';
import pLimit from 'p-limit';
import type { InferenceLine } from '../evaluation/inference.js';
import { usableCpus } from '../system/cpus.js';
import type { VideoSettings } from '../video/frames.js';
import { frameStrip, type Strip, stripHtml, timelineHtml } from './frame-strip.js';
import { escapeHtml, htmlPage } from './html.js';

/** One page with each video’s frames, what was answered, and where. It needs no network, and nothing in it runs. */
export async function inferencePage(args: {
  lines: readonly InferenceLine[];
  video: VideoSettings;
  warn: (message: string) => void;
}): Promise<string> {
  const { lines, video, warn } = args;
  const limit = pLimit(usableCpus());
  const strips = await Promise.all(
    lines.map((line) =>
      limit(() =>
        frameStrip({ file: line.video }, video).catch((error: Error) => {
          warn(`no frames of it on the page: ${error.message}`);
          return null;
        }),
      ),
    ),
  );
  const abnormal = lines.filter(({ segment }) => Array.isArray(segment)).length;
  const body = [
    `<h1>${lines.length} videos, ${abnormal} with an anomaly</h1>`,
    ...lines.map((line, i) => sectionHtml(line, strips[i]!)),
  ];
  return htmlPage({ title: 'What the model says', body: body.join('\n') });
}

function sectionHtml(line: InferenceLine, strip: Strip | null): string {
  const { video, answer, segment, class: label, description, frame_scores, texts, left_out } = line;
  const said = (value: string | null) => value ?? '(cannot be read)';
  const rows = [
    ...(answer === undefined ? [] : [['answer', said(answer)]]),
    ...(segment === undefined ? [] : [['segment', segmentText(segment)]]),
    ...(label === undefined ? [] : [['class', said(label)]]),
    ...(description === undefined ? [] : [['description', said(description)]]),
    ...(left_out === undefined ? [] : [['left out', left_out]]),
  ];
  const spans = Array.isArray(segment)
    ? [{ start: segment[0], end: segment[1], label: segmentText(segment), color: 'var(--mark)' }]
    : [];
  const written = Object.entries(texts).map(([task, text]) => `${task}: ${text}`);
  return [
    `<section><h2 title="${escapeHtml(video)}">${escapeHtml(path.basename(video))}</h2>`,
    ...(strip === null
      ? []
      : [stripHtml(strip), timelineHtml({ duration: strip.duration, spans, scores: frame_scores?.scores })]),
    `<dl>${rows.map(([name, value]) => `<dt>${escapeHtml(name!)}</dt><dd>${escapeHtml(value!)}</dd>`).join('')}</dl>`,
    ...(written.length === 0
      ? []
      : [`<details><summary>as it was written</summary><pre>${escapeHtml(written.join('\n\n'))}</pre></details>`]),
    '</section>',
  ].join('\n');
}

function segmentText(segment: InferenceLine['segment']): string {
  if (Array.isArray(segment)) return `${segment[0]} to ${segment[1]} s`;
  return segment === 'normal' ? 'none: all is normal' : '(cannot be read)';
}
