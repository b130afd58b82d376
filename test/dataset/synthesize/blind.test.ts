/** What a guesser can do that reads the questions and has learned from the training split, but sees no video. */
import { describe, expect, it } from 'vitest';
import { annotateClip } from '../../../src/synthesize/annotations.js';
import { CLIP_CLASSES } from '../../../src/synthesize/classes.js';
import { type ClipPlan, planClip } from '../../../src/synthesize/plan.js';

interface Question {
  options: string[];
  answer: string;
  plan: ClipPlan;
}

const questions = (split: string, clips: number): Question[] =>
  Array.from({ length: clips }, (_, index) => {
    const plan = planClip({ seed: 11, split, size: 84, seconds: [6, 8] }, index);
    const line = annotateClip({ plan, video: 'x.mp4' }).find(({ task }) => task === 'qa')!;
    return { options: line.options!, answer: line.answer!, plan };
  });

const train = questions('train', 1400);
const heldOut = questions('test', 2800);

type Guesser = (question: Question) => string;
const letterOf = (index: number) => 'ABCD'[index]!;
/** The letter whose score is highest; the first of equals. */
const best = (scores: number[]) => letterOf(scores.indexOf(Math.max(...scores)));

const countBy = (keys: string[]) => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

/** Words and pairs of words, each with the place that it stands at. */
const features = ({ options }: Question) =>
  options.flatMap((option, i) => {
    const words = option.split(' ');
    return [...words, option, `${option.length}`].flatMap((word) => [word, `${i}:${word}`]);
  });

function majority(): Guesser {
  const counts = countBy(train.map(({ answer }) => answer));
  return () => best([...'ABCD'].map((letter) => counts.get(letter) ?? 0));
}

/** The option whose text was right most often in training. */
function optionFrequency(): Guesser {
  const right = countBy(train.map(({ options, answer }) => options['ABCD'.indexOf(answer)]!));
  const shown = countBy(train.flatMap(({ options }) => options));
  return ({ options }) => best(options.map((option) => (right.get(option) ?? 0) / (shown.get(option) ?? 1)));
}

function naiveBayes(): Guesser {
  const prior = countBy(train.map(({ answer }) => answer));
  const joint = countBy(
    train.flatMap((question) => features(question).map((feature) => `${question.answer}|${feature}`)),
  );
  return (question) =>
    best(
      [...'ABCD'].map((letter) =>
        features(question)
          .map((feature) => Math.log(((joint.get(`${letter}|${feature}`) ?? 0) + 1) / ((prior.get(letter) ?? 0) + 2)))
          .reduce((sum, value) => sum + value, Math.log(prior.get(letter) ?? 1)),
      ),
    );
}

const longest: Guesser = ({ options }) => best(options.map((option) => option.length));
const shortest: Guesser = ({ options }) => best(options.map((option) => -option.length));
const first: Guesser = ({ options }) => best(options.map((option) => -[...options].sort().indexOf(option)));

/** 3.5 standard errors of a fair draw: a guesser beyond it knows something. */
const margin = (chance: number, n: number) => 3.5 * Math.sqrt((chance * (1 - chance)) / n);

describe('a guesser without the video', () => {
  it.each<[string, Guesser]>([
    ['the most frequent letter', majority()],
    ['always C', () => 'C'],
    ['the longest option', longest],
    ['the shortest option', shortest],
    ['the first in the alphabet', first],
    ['the option that is right most often', optionFrequency()],
    ['naive Bayes over words and places', naiveBayes()],
  ])('is at chance on questions: %s', (_, guess) => {
    const right = heldOut.filter((question) => guess(question) === question.answer).length;
    expect(Math.abs(right / heldOut.length - 0.25)).toBeLessThan(margin(0.25, heldOut.length));
  });

  it('is at chance on classes, whatever it takes from the options or the length of the clip', () => {
    const chance = 1 / CLIP_CLASSES.length;
    // The class prompt is the same for all clips; only a clip's length (its number of frames) shows without pixels.
    const byLength = countBy(train.map(({ plan }) => `${plan.seconds}|${plan.class.name}`));
    const right = heldOut.filter(({ plan }) => {
      const scores = CLIP_CLASSES.map(({ name }) => byLength.get(`${plan.seconds}|${name}`) ?? 0);
      return CLIP_CLASSES[scores.indexOf(Math.max(...scores))] === plan.class;
    }).length;
    expect(Math.abs(right / heldOut.length - chance)).toBeLessThan(margin(chance, heldOut.length));
  });

  it('finds no better interval by class, letter or options than one for all', () => {
    const iou = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]) =>
      Math.max(0, Math.min(b, d) - Math.max(a, c)) / (Math.max(b, d) - Math.min(a, c));
    const spans = [0, 1, 2, 3, 4, 5, 6].flatMap((start) => [2, 3, 4, 5, 6, 7, 8].map((end) => [start, end] as const));
    const usable = spans.filter(([start, end]) => end - start >= 2);
    const meanIou = (plans: ClipPlan[], span: readonly [number, number]) =>
      plans.reduce((sum, { segment }) => sum + (segment ? iou(segment, span) : 0), 0) / plans.length;
    const bestSpan = (plans: ClipPlan[]) => usable.reduce((a, b) => (meanIou(plans, b) > meanIou(plans, a) ? b : a));
    const events = (list: Question[]) => list.map(({ plan }) => plan).filter(({ segment }) => segment);

    const constant = meanIou(events(heldOut), bestSpan(events(train)));
    for (const keyOf of [(p: ClipPlan) => p.answer, (p: ClipPlan) => p.class.name, (p: ClipPlan) => p.options[0]]) {
      const spanOf = new Map<string, readonly [number, number]>();
      for (const key of new Set(events(train).map(keyOf))) {
        spanOf.set(key, bestSpan(events(train).filter((plan) => keyOf(plan) === key)));
      }
      const scores = events(heldOut).map((plan) => iou(plan.segment!, spanOf.get(keyOf(plan))!));
      const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
      expect(mean).toBeLessThan(constant + 0.02);
    }
    // And that one is far from a hit.
    expect(constant).toBeLessThan(0.45);
  });
});
