import { VAU_BENCH_CLASSES } from '../../src/dataset/classes.js';
import type { Sample, Segment } from '../../src/dataset/sample.js';
import { accuracyReward } from '../../src/rewards/accuracy.js';
import { formatReward } from '../../src/rewards/format.js';
import { temporalIouReward } from '../../src/rewards/temporal-iou.js';

const base = {
  id: 'val.csv:2:qa',
  visuals: [{ kind: 'video' as const, file: '/a.mp4' }],
  segment: { kind: 'unknown' } as Segment,
};

export const qaSample: Sample = {
  ...base,
  task: 'qa',
  question: 'What happens?',
  options: ['a fight', 'a fire', 'a fall', 'nothing'],
  answer: 'B',
};
export const normalSample: Sample = { ...base, task: 'tag', segment: { kind: 'normal' } };
export const anomalySample: Sample = { ...base, task: 'tag', segment: { kind: 'interval', start: 5, end: 10 } };
export const clsSample: Sample = { ...base, task: 'cls', class: 'Traffic_accident' };
export const reasoningSample: Sample = { ...base, task: 'reasoning', description: 'A fire.' };

/** Each reward of a completion in the style `think`. */
export function rewardsOf(sample: Sample, text: string): { format: number; accuracy: number; iou: number } {
  const input = { text, sample, style: 'think' as const, classes: VAU_BENCH_CLASSES };
  return {
    format: formatReward.score(input, { name: 'format', weight: 1 })!,
    accuracy: accuracyReward.score(input, { name: 'accuracy', weight: 1 })!,
    iou: temporalIouReward.score(input, { name: 'temporal_iou', weight: 1 })!,
  };
}

export const grounding = (answer: string, glue: string): string =>
  `<think>I watch.</think><answer>${answer}</answer><glue>${glue}</glue>`;
export const answering = (answer: string): string => `<think>I watch.</think><answer>${answer}</answer>`;
