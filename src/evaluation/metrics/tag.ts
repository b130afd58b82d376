import { mean } from '../../statistics/moments.js';
import { binaryMetrics } from './binary.js';
import type { JudgedPrediction } from './prediction.js';
import { ratio } from './ratio.js';

const THRESHOLDS = [0.3, 0.5, 0.7];

/**
 * Temporal anomaly grounding: `miou` and `recall@0.3` … (the part of the samples with at least that IoU) over all samples,
 * a normal video found normal counting as 1; the same over the anomalous ones alone (`anomaly/…`, what VAU-R1 reports);
 * and normal or anomaly as two classes.
 */
export function tagMetrics(judged: readonly JudgedPrediction[]): Record<string, number> {
  const anomalies = judged.filter(({ sample }) => sample.segment.kind === 'interval');
  const verdicts = judged.map(({ sample, parsed }) => ({
    actual: sample.segment.kind === 'interval',
    predicted: parsed.answer === undefined ? undefined : parsed.answer === 'Anomaly',
  }));
  return { ...overlap(judged, ''), ...overlap(anomalies, 'anomaly/'), ...binaryMetrics(verdicts) };
}

function overlap(judged: readonly JudgedPrediction[], prefix: string): Record<string, number> {
  if (judged.length === 0) return {};
  const recalls = THRESHOLDS.map((least) => [`${prefix}recall@${least}`, ratio(judged, ({ iou }) => iou >= least)]);
  return { [`${prefix}miou`]: mean(judged.map(({ iou }) => iou)), ...Object.fromEntries(recalls) };
}
