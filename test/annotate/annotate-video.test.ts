import { describe, expect, test } from 'vitest';
import { annotateVideo, choiceProblem } from '../../src/annotate/annotate-video.js';
import type { Material } from '../../src/annotate/steps.js';
import { judge as judgeSchema } from '../../src/config/judge-options.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { Judge } from '../../src/judge/judge.js';
import { folderWith } from '../folder.js';
import { type Asked, saying, scriptedServer } from '../judge/scripted-server.js';

const material: Material = { images: ['data:image/jpeg;base64,AA=='], times: [0.5], known: {}, classes };

const CHOICE = {
  question: 'What burns?',
  answer: 'a small car',
  distractors: ['a big bus', 'a tall tree', 'an old shed'],
};

/** Replies by the name of what is asked for; a list is gone through. */
async function annotate(replies: Record<string, object[]>, more: Partial<Material> = {}, seed = 1) {
  const defaults: Record<string, object[]> = {
    description: [{ description: 'A car burns.' }],
    reasoning: [
      {
        judgement: 'Anomaly',
        anomaly_class: 'fire',
        evidence: 'flames',
        cause: 'unknown',
        result: 'damage',
        start: 1,
        end: 4,
      },
    ],
    key_object: [{ key_object: 'car' }],
    question: [CHOICE],
    refinement: [{ ...CHOICE, description: 'A car is burning.' }],
  };
  const times: Record<string, number> = {};
  const { url, asked } = await scriptedServer(
    saying(({ body }) => {
      const { name } = (body.response_format as { json_schema: { name: string } }).json_schema;
      const list = replies[name] ?? defaults[name]!;
      const time = times[name] ?? 0;
      times[name] = time + 1;
      return JSON.stringify(list[Math.min(time, list.length - 1)]);
    }),
  );
  const judge = new Judge(judgeSchema.parse({ base_url: url, model: 'm', cache: await folderWith({}) }));
  const result = await annotateVideo({ judge, name: 'a.mp4', material: { ...material, ...more }, seed });
  return { result, asked, times };
}

const nameOf = ({ body }: Asked) => (body.response_format as { json_schema: { name: string } }).json_schema.name;

test('six steps make an annotation that a source can have', async () => {
  const { result, asked } = await annotate({});
  expect(asked.map(nameOf)).toEqual(['description', 'reasoning', 'key_object', 'question', 'refinement']);
  expect(asked[0]!.images).toBe(1);
  expect(result).toMatchObject({
    annotated: {
      video: 'a.mp4',
      class: 'Fire',
      segment: [1, 4],
      key_object: 'car',
      description: 'A car is burning.',
      notes: [],
    },
  });
  const { options, answer } = 'annotated' in result ? result.annotated : expect.unreachable();
  expect(options['ABCD'.indexOf(answer)]).toBe('a small car');
});

test('the place of the right option is a function of seed and name', async () => {
  const letters = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    const { result } = await annotate({}, {}, seed);
    if ('annotated' in result) letters.add(result.annotated.answer);
  }
  expect(letters.size).toBeGreaterThan(2);
});

describe('checked against the known class', () => {
  const missed = {
    judgement: 'Normal',
    anomaly_class: 'Normal',
    evidence: 'calm',
    cause: '',
    result: '',
    start: -1,
    end: -1,
  };
  const found = { ...missed, judgement: 'Anomaly', anomaly_class: 'Robbery', start: 2, end: 3 };

  test('an analysis that misses it is asked for again, with it', async () => {
    const { result, asked } = await annotate(
      { reasoning: [missed, found] },
      { known: { class: 'Robbery', segment: [5, 9] } },
    );
    expect(
      asked.filter((one) => nameOf(one) === 'reasoning').map(({ text }) => text.includes('class Robbery')),
    ).toEqual([false, true]);
    expect(result).toMatchObject({ annotated: { class: 'Robbery', segment: [5, 9], notes: [] } });
  });

  test('not for ever: then a person is told', async () => {
    const { result, times } = await annotate({ reasoning: [missed] }, { known: { class: 'Robbery' } });
    expect(times.reasoning).toBe(3);
    expect(result).toMatchObject({
      annotated: { class: 'Robbery', notes: ['known as Robbery, and analysed as Normal'] },
    });
  });
});

test('a description that there is stands in place of frames', async () => {
  const { asked } = await annotate({}, { images: [], times: [], known: { caption: 'Somebody wrote this.' } });
  expect(asked[0]!.images).toBe(0);
  expect(asked[0]!.text).toContain('Somebody wrote this.');
});

describe('options', () => {
  const long = { ...CHOICE, answer: 'a small red car that stands beside the road and is on fire' };

  test('that give the right one away are asked for again', async () => {
    const { result, times } = await annotate({ question: [long, CHOICE] });
    expect(times.question).toBe(2);
    expect(result).toMatchObject({ annotated: { notes: [] } });
  });

  test('are not spoiled by polishing', async () => {
    const { result } = await annotate({ refinement: [{ ...long, description: 'A car.' }] });
    expect(result).toMatchObject({ annotated: { options: expect.arrayContaining(['a small car']), notes: [] } });
  });

  test.each([
    [CHOICE, undefined],
    [long, 'the right option can be told by its length'],
    [
      { ...CHOICE, answer: 'car', distractors: ['a very big bus', 'a very tall tree', 'an old wooden shed'] },
      'the right option can be told by its length',
    ],
    [{ ...CHOICE, distractors: ['A big bus', 'a big bus ', 'an old shed'] }, 'two options are the same'],
  ])('%#', (choice, problem) => expect(choiceProblem(choice)).toBe(problem));
});

test('a step without a reply is named', async () => {
  const { result } = await annotate({ key_object: [{ nothing: true }] });
  expect(result).toEqual({ failed: 'key object: the reply is not in the form asked for' });
});
