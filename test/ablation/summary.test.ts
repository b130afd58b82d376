import { expect, it } from 'vitest';
import type { Outcome } from '../../src/ablation/arms.js';
import { summaryTable } from '../../src/ablation/summary.js';

const axes = ['rewards'];

const outcome = (seed: number, evaluation: Record<string, number>): Outcome => ({
  run: { name: `all_seed-${seed}`, labels: ['all'], isControl: false, seed } as Outcome['run'],
  finished: { step: 1, evaluation },
});

it('shows the metrics that have an interval, and not the many beside them', () => {
  const evaluation = (miou: number) => ({
    reward: 2,
    'tag/miou': miou,
    'tag/miou/low': 0.1,
    'tag/miou/high': 0.9,
    'tag/format': 1,
    'tag/miou/blind': 0.25,
  });
  const text = summaryTable(axes, [outcome(1, evaluation(0.4)), outcome(2, evaluation(0.6))]);
  expect(text.split('\n')[0]).toMatch(/^rewards +seeds +tag\/miou$/);
  expect(text).toContain('0.500 ± 0.141');
  expect(text).toMatch(/^video-blind +0\.250$/m);
});

it('shows all metrics where none has an interval', () => {
  expect(summaryTable(axes, [outcome(1, { reward: 2, other: 3 })]).split('\n')[0]).toMatch(/reward +other$/);
});

it('puts tasks together by the interquartile mean over tasks and seeds', () => {
  const evaluation = (qa: number, tag: number) => ({
    ...{ 'qa/accuracy': qa, 'qa/accuracy/low': 0, 'tag/miou': tag, 'tag/miou/low': 0 },
  });
  const text = summaryTable(axes, [outcome(1, evaluation(0.9, 0.4)), outcome(2, evaluation(0.8, 0))]);
  expect(text).toMatch(/IQM\n/);
  expect(text).toMatch(/0\.600\n/);
});
