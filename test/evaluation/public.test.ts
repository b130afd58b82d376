import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { confusionOf, UNREADABLE } from '../../src/evaluation/confusion.js';
import { bleuOf, bleuParts } from '../../src/evaluation/text/bleu.js';
import { cider } from '../../src/evaluation/text/cider.js';
import { rougeL } from '../../src/evaluation/text/rouge-l.js';
import { wordsOf } from '../../src/evaluation/text/words.js';
import { bootstrapInterval } from '../../src/statistics/bootstrap.js';
import { weightedKappa } from '../../src/statistics/kappa.js';
import { mean } from '../../src/statistics/moments.js';
import { permutationTest } from '../../src/statistics/permutation-test.js';
import { averagePrecision, ranked, rocAuc } from '../../src/statistics/ranking.js';
import { clsTask } from '../../src/tasks/cls.js';
import { judged, measured } from '../tasks/judged.js';

/** By scikit-learn, scipy and the scorers of COCO captions: scripts/fixtures/evaluation.py. */
const fixture = JSON.parse(readFileSync(new URL('../fixtures/evaluation.json', import.meta.url), 'utf8'));

const each = (name: string) => (fixture[name] as unknown[]).map((one, i) => [i, one] as const);

test.each(each('ranking'))('area under the ROC and average precision, with ties: %d', (_, one) => {
  const { scores, labels, auc, ap } = one as { scores: number[]; labels: number[]; auc: number | null; ap: number };
  const order = ranked(scores.map((score, i) => ({ score, positive: labels[i] === 1 })));
  if (auc !== null) expect(rocAuc(order)).toBeCloseTo(auc, 12);
  expect(averagePrecision(order)).toBeCloseTo(ap, 12);
  // A thing that counts twice is two things.
  const twice = ranked(
    [...scores, ...scores].map((score, i) => ({ score, positive: labels[i % labels.length] === 1 })),
  );
  expect(averagePrecision(order, () => 2)).toBeCloseTo(averagePrecision(twice), 12);
});

describe.each(each('classes'))('classes %d', (_, one) => {
  const { truth, given, ...expected } = one as {
    truth: string[];
    given: string[];
    confusion: number[][];
    confusion_labels: string[];
  } & Record<string, number>;
  const classes = ['Normal', 'Fire', 'Fighting', 'Stealing'];
  const answers = judged(
    'cls',
    truth.map((label, i) => [{ class: label }, given[i] || 'none of them'] as [object, string]),
    classes,
  );

  test('accuracy, balanced, F1, normal or anomaly', () => {
    const metrics = measured(clsTask, answers);
    for (const name of [
      'accuracy',
      'balanced_accuracy',
      'macro_f1',
      'binary_accuracy',
      'binary_balanced_accuracy',
      'binary_f1',
      'binary_recall',
    ])
      if (metrics[name] !== undefined) expect(metrics[name], name).toBeCloseTo(expected[name]!, 12);
    expect(metrics.macro_f1).toBeDefined();
  });

  test('confusion', () => {
    const { labels, rows } = confusionOf(answers);
    const at = (label: string) => expected.confusion_labels.indexOf(label === UNREADABLE ? '' : label);
    for (const [label, counts] of Object.entries(rows))
      for (const [i, count] of counts.entries()) expect(count).toBe(expected.confusion[at(label)]![at(labels[i]!)]);
    expect(
      Object.values(rows)
        .flat()
        .reduce((a, b) => a + b),
    ).toBe(truth.length);
  });
});

test.each(each('kappa'))('weighted kappa: %d', (_, one) => {
  const { grades, kappa } = one as { grades: [number, number][]; kappa: number };
  expect(weightedKappa(grades)).toBeCloseTo(kappa, 12);
});

test.each(each('bootstrap'))('the percentile bootstrap of a mean, within Monte-Carlo error: %d', (_, one) => {
  const { values, low, high } = one as { values: number[]; low: number; high: number };
  const own = bootstrapInterval({ clusters: values.map((value) => [value]), seed: 5, resamples: 20_000 });
  const error = (high - low) / 25;
  expect(Math.abs(own.low - low)).toBeLessThan(error);
  expect(Math.abs(own.high - high)).toBeLessThan(error);
});

test.each(each('permutation'))('the exact paired permutation test: %d', (_, one) => {
  const { differences, p } = one as { differences: number[]; p: number };
  const found = permutationTest({
    count: differences.length,
    differences: (swapped) => ({ d: mean(differences.map((d, i) => (swapped[i] ? -d : d))) }),
    seed: 1,
  });
  expect(found.d).toBeCloseTo(p, 12);
});

test.each(each('captions'))('BLEU, ROUGE-L, CIDEr: %d', (_, one) => {
  const {
    references,
    candidates,
    bleu_1,
    bleu_4,
    rouge_l,
    cider: ciders,
  } = one as {
    references: string[];
    candidates: string[];
    rouge_l: number[];
    cider: number[];
    bleu_1: number;
    bleu_4: number;
  };
  const texts = candidates.map((text, i) => ({ candidate: wordsOf(text), references: [wordsOf(references[i]!)] }));
  expect(bleuOf(texts.map(bleuParts), 1)).toBeCloseTo(bleu_1, 10);
  expect(bleuOf(texts.map(bleuParts), 4)).toBeCloseTo(bleu_4, 10);
  for (const [i, score] of cider(texts).entries()) expect(score).toBeCloseTo(ciders[i]!, 10);
  for (const [i, text] of texts.entries()) expect(rougeL(text)).toBeCloseTo(rouge_l[i]!, 12);
});
