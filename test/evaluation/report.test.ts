import { describe, expect, test } from 'vitest';
import type { Sample } from '../../src/dataset/sample.js';
import { Answers } from '../../src/evaluation/answers.js';
import { compareAnswers } from '../../src/evaluation/comparison.js';
import { evaluationReport, type Section } from '../../src/evaluation/report.js';
import { reportText } from '../../src/evaluation/report-text.js';
import { inOrder, trialsOf } from '../../src/evaluation/trials.js';
import { answering, grounding } from '../rewards/samples.js';
import { interval, normal, sampleOf } from '../tasks/judged.js';

const seed = 3;
const one = (id: string, task: Sample['task'], parts: Partial<Sample>, file = `/v/${id}.mp4`): Sample => ({
  ...sampleOf(task, parts),
  id,
  visuals: [{ kind: 'video', file }],
});
const qa = (id: string, file?: string) =>
  one(id, 'qa', { question: '?', options: ['a fire', 'a fall', 'a fight', 'nothing'], answer: 'B' }, file);

async function answersOf(lines: [Sample, string, string?, number?][]): Promise<Answers> {
  const answers = Answers.inMemory();
  for (const [sample, text, trial = 'answer', generation = 0] of lines)
    await answers.add([{ trial, prompt: 'think', sample_id: sample.id, generation, text, tokens: 4, seconds: 0.5 }]);
  return answers;
}

const settings = {
  prompts: ['think' as const],
  option_orders: 1,
  votes: 0,
  views: [],
  frames: { fps: 1, smoothing_s: 0 },
};

function report(samples: Sample[], answers: Answers, more: object = {}) {
  const base = { answers, samples, train: samples, classes: ['Normal', 'Fire'], durationOf: () => 10, seed };
  return evaluationReport({ ...base, settings: { ...settings, ...more } });
}

const figure = ({ figures }: Section, metric: string) => figures.find((found) => found.metric === metric);

describe('a report', () => {
  test('tells each task in all and by source, what is not in form, and what an answer costs', async () => {
    const samples = [
      qa('x:1:qa', '/v/ucf_1.mp4'),
      qa('x:2:qa', '/v/msad_2.mp4'),
      qa('x:3:qa', '/v/msad_3.mp4'),
      one('x:4:cls', 'cls', { class: 'Fire' }),
    ];
    const answers = await answersOf([
      [samples[0]!, answering('B')],
      [samples[1]!, answering('A')],
      [samples[2]!, 'B'],
      [samples[3]!, answering('nonsense')],
    ]);
    await answers.add([{ trial: 'answer', prompt: 'think', sample_id: 'nobody', left_out: 'cannot be read' }]);
    const { sections } = report(samples, answers);
    expect(sections.map(({ task, source, samples: count }) => [task, source, count])).toEqual([
      ['qa', 'all', 3],
      ['qa', 'ucf', 1],
      ['qa', 'msad', 2],
      ['cls', 'all', 1],
    ]);
    const [all, , , cls] = sections;
    expect(figure(all!, 'accuracy')).toMatchObject({ value: 1 / 3, count: 3, blind: { name: 'always B', value: 1 } });
    expect(all!.problems).toEqual({ 'there is text outside the tags': 1 });
    expect(all).toMatchObject({ tokens: 4, seconds: 0.5, videos: 3 });
    expect(cls!.confusion).toEqual({ labels: ['Fire', '(unreadable)'], rows: { Fire: [0, 1] } });
    expect(reportText(report(samples, answers))).toContain('not in form: 1 × there is text outside the tags');
  });

  test('draws questions about one video together: the interval is as wide as if there were one', async () => {
    const alone = Array.from({ length: 8 }, (_, i) => qa(`a${i}`));
    const eight = Array.from({ length: 8 }, (_, i) =>
      Array.from({ length: 5 }, (_, k) => qa(`b${i}-${k}`, `/v/${i}.mp4`)),
    );
    const texts = (samples: Sample[][]) =>
      samples.flatMap((same, i) => same.map((sample): [Sample, string] => [sample, answering(i % 2 ? 'B' : 'A')]));
    const of = async (samples: Sample[][]) => {
      const { sections } = report(samples.flat(), await answersOf(texts(samples)));
      const { low, high } = figure(sections[0]!, 'accuracy')!;
      return { low, high };
    };
    expect(await of(eight)).toEqual(await of(alone.map((sample) => [sample])));
  });

  test('options in other orders: whether an answer follows what they say', async () => {
    const samples = [qa('x:1:qa'), qa('x:2:qa')];
    const [follows, sticks] = samples as [Sample, Sample];
    const letter = (sample: Sample, order: number) => {
      const asked = inOrder(sample, { order, seed });
      return asked.answer!;
    };
    const answers = await answersOf([
      [follows, answering('B')],
      [follows, answering(letter(follows, 2)), 'options-2'],
      [follows, answering(letter(follows, 3)), 'options-3'],
      [sticks, answering('B')],
      [sticks, answering('B'), 'options-2'],
      [sticks, answering('B'), 'options-3'],
    ]);
    const [section] = report(samples, answers, { option_orders: 3 }).sections;
    const moved = [2, 3].filter((order) => letter(sticks, order) !== 'B').length;
    expect(moved).toBeGreaterThan(0);
    expect(figure(section!, 'option_consistency')).toMatchObject({ value: 0.5, count: 2 });
    expect(figure(section!, 'option_consistency')).not.toHaveProperty('blind');
    expect(figure(section!, 'option_vote_accuracy')!.blind).toEqual({ name: 'always B', value: 1 });
    expect(figure(section!, 'option_mean_accuracy')!.value).toBeCloseTo((1 + (3 - moved) / 3) / 2, 12);
  });

  test('other views: what is lost without the video', async () => {
    const samples = [qa('x:1:qa'), qa('x:2:qa')];
    const answers = await answersOf([
      ...samples.map((sample): [Sample, string] => [sample, answering('B')]),
      [samples[0]!, answering('B'), 'grey'],
      [samples[1]!, answering('A'), 'grey'],
    ]);
    const [section] = report(samples, answers, { views: ['grey', 'shuffled'] }).sections;
    expect(figure(section!, 'accuracy@grey')).toMatchObject({ value: 0.5, blind: { name: 'always B', value: 1 } });
    expect(figure(section!, 'blind_gap')).toMatchObject({ value: 0.5, count: 2 });
    expect(figure(section!, 'shuffled_gap')).toBeUndefined();
  });

  test('votes score frames', async () => {
    const samples = [one('x:1:tag', 'tag', { segment: interval(2, 6) }), one('x:2:tag', 'tag', { segment: normal })];
    const answers = await answersOf([
      [samples[0]!, grounding('Anomaly', '[2, 6]')],
      [samples[1]!, grounding('Normal', '[-1, -1]')],
      [samples[0]!, grounding('Anomaly', '[2, 6]'), 'votes', 0],
      [samples[0]!, grounding('Anomaly', '[2, 4]'), 'votes', 1],
      [samples[1]!, grounding('Normal', '[-1, -1]'), 'votes', 0],
      [samples[1]!, 'nothing', 'votes', 1],
    ]);
    const [section] = report(samples, answers, { votes: 2 }).sections;
    expect(figure(section!, 'frame_auc')).toMatchObject({ value: 1, count: 2, guesses: expect.anything() });
    expect(figure(section!, 'false_alarm_rate')).toMatchObject({
      value: 0,
      count: 1,
      better: 'lower',
      blind: { value: 0 },
    });
  });

  test('words of descriptions', async () => {
    const samples = ['A car burns.', 'A dog runs fast.'].map((description, i) =>
      one(`x:${i}`, 'reasoning', { description }),
    );
    const answers = await answersOf([
      [samples[0]!, answering('A car burns.')],
      [samples[1]!, answering('Nothing.')],
    ]);
    const [section] = report(samples, answers).sections;
    expect(figure(section!, 'rouge_l')!.value).toBe(0.5);
    expect(figure(section!, 'cider')!.value).toBeGreaterThan(1);
    expect(figure(section!, 'rouge_l')!.blind).toEqual({ name: 'always one of training', value: expect.any(Number) });
  });
});

test('normal videos that look abnormal have a rate of their own', async () => {
  const samples = [
    one('x:1', 'tag', { segment: normal, hardNormal: true }),
    one('x:2', 'tag', { segment: normal }),
    one('x:3', 'tag', { segment: interval(1, 2) }),
  ];
  const answers = await answersOf(
    samples.map((sample, i) => [sample, grounding(i === 1 ? 'Normal' : 'Anomaly', i === 1 ? '[-1, -1]' : '[1, 2]')]),
  );
  const [section] = report(samples, answers).sections;
  expect(figure(section!, 'false_alarm_rate')).toMatchObject({ value: 0.5, count: 2 });
  expect(figure(section!, 'hard_normal_false_alarm_rate')).toMatchObject({ value: 1, count: 1 });
});

test('two models: the difference on what both have answered, with interval and p', async () => {
  const samples = Array.from({ length: 40 }, (_, i) => qa(`x:${i}:qa`));
  const all = (right: (i: number) => boolean) =>
    answersOf(samples.map((sample, i): [Sample, string] => [sample, answering(right(i) ? 'B' : 'A')]));
  const [good, bad] = [await all((i) => i % 4 !== 0), await all((i) => i % 4 === 0)];
  const compare = (first: Answers, second: Answers) =>
    compareAnswers({ first, second, samples, prompts: ['think'], classes: [], seed });
  const [found] = compare(good, bad);
  expect(found).toMatchObject({
    task: 'qa',
    metric: 'accuracy',
    count: 40,
    first: 0.75,
    second: 0.25,
    difference: 0.5,
  });
  expect(found!.low).toBeGreaterThan(0);
  expect(found!.p).toBeLessThan(0.01);
  expect(compare(good, good)[0]).toMatchObject({ difference: 0, low: 0, high: 0, p: 1 });
  const few = await answersOf([[samples[0]!, answering('B')]]);
  expect(compare(few, good)[0]!.count).toBe(1);
});

test('each kind of trial is a function of the seed; a question is never shown its own video as another’s', () => {
  const samples = Array.from({ length: 6 }, (_, i) => qa(`x:${i}:qa`, `/v/${i % 3}.mp4`));
  const asked = (of: number) =>
    trialsOf({ samples, settings: { ...settings, option_orders: 3, views: ['grey', 'shuffled', 'other'] }, seed: of });
  const trials = asked(1);
  expect(trials).toHaveLength(6 * 6);
  for (const trial of trials.filter(({ name }) => name === 'other')) {
    expect(trial.asked.visuals).not.toEqual(trial.sample.visuals);
    expect(trial.asked.segment).toEqual({ kind: 'unknown' });
  }
  const orders = (of: number) => JSON.stringify(asked(of).map(({ asked: shown }) => [shown.options, shown.visuals]));
  expect(orders(1)).toBe(orders(1));
  expect(orders(2)).not.toBe(orders(1));
});
