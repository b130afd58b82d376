import { expect, test } from 'vitest';
import { VAU_BENCH_CLASSES } from '../../src/dataset/classes.js';
import { readJsonl } from '../../src/dataset/jsonl.js';
import { taskNamed } from '../../src/tasks/named.js';
import { fileWith } from './temporary.js';

const read = async (lines: unknown[]) => {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return readJsonl({ file: await fileWith('mine.jsonl', text), classes: VAU_BENCH_CLASSES });
};

test('a whole line, and a line with a video alone', async () => {
  const { annotations } = await read([
    {
      id: 7,
      video: 'a.mp4',
      task: 'qa',
      question: 'What?',
      options: ['a', 'b', 'c', 'd'],
      answer: 'c',
      segment: [1, 2.5],
      class: 'fire',
      description: 'Smoke.',
      reasoning: null,
      more: 1,
    },
    { video: 'b.mp4' },
  ]);
  expect(annotations[0]).toEqual({
    line: 1,
    id: '7',
    visuals: [{ kind: 'video', name: 'a.mp4' }],
    task: 'qa',
    choice: { value: { question: 'What?', options: ['a', 'b', 'c', 'd'], answer: 'C', spelledOut: false } },
    segment: { value: { kind: 'interval', start: 1, end: 2.5 } },
    class: { value: 'Fire' },
    description: 'Smoke.',
  });
  expect(annotations[1]).toEqual({
    line: 2,
    visuals: [{ kind: 'video', name: 'b.mp4' }],
    choice: { absent: 'no question' },
    segment: { value: { kind: 'unknown' } },
    class: { absent: 'no class' },
  });
});

test('normal is said by its word only', async () => {
  const { annotations } = await read(
    ['normal', [0, 0], [-1, -1], [5, 2]].map((segment) => ({ video: 'a.mp4', segment })),
  );
  expect(annotations.map(({ segment }) => segment)).toEqual([
    { value: { kind: 'normal' } },
    { problem: 'the end is not after the start' },
    { problem: 'a time is negative' },
    { problem: 'the end is not after the start' },
  ]);
});

test('lines that cannot be read are counted; the rest goes on', async () => {
  const { rows, annotations, leftOut } = await read([
    '{"video": ',
    '[1]',
    {},
    '',
    { video: 7 },
    { video: 'a.mp4', task: 'guess' },
    { video: 'a.mp4', id: 'x' },
    { video: 'b.mp4', id: 'x' },
    '\r',
    { video: 'c.mp4' },
  ]);
  expect(rows).toBe(8);
  expect(annotations.map(({ line }) => line)).toEqual([7, 10]);
  expect(leftOut).toEqual([
    { reason: 'not JSON', count: 1, rows: [1] },
    { reason: 'not a JSON object', count: 1, rows: [2] },
    { reason: '“video” is missing or of the wrong form', count: 2, rows: [3, 5] },
    { reason: '“task” is none of qa, tag, cls, reasoning', count: 1, rows: [6] },
    { reason: 'the id occurs twice', count: 1, rows: [8] },
  ]);
});

const good = { video: 'a.mp4', question: 'What?', options: ['pays', 'steals', 'falls', 'waits'], answer: 'B' };

test.each([
  ['an interval in an interval', { segment: [[1, 2]] }, { value: { kind: 'interval', start: 1, end: 2 } }],
  [
    'two intervals',
    {
      segment: [
        [1, 2],
        [5, 6],
      ],
    },
    { problem: 'several segments, where one can be used' },
  ],
  ['four numbers', { segment: [30, 90, -1, -1] }, { problem: 'the segment is a list of 4, not [start, end]' }],
  ['null', { segment: null }, { value: { kind: 'unknown' } }],
  ['nulls', { segment: [null, null] }, { value: { kind: 'unknown' } }],
  ['one null', { segment: [1, null] }, { problem: 'only one of start and end is given' }],
  ['numbers as texts', { segment: ['1', '2.5'] }, { value: { kind: 'interval', start: 1, end: 2.5 } }],
  ['clock times', { segment: ['00:01', '00:02'] }, { problem: 'a time is not a number' }],
  ['another word', { segment: 'none' }, { problem: 'the segment is neither [start, end] in seconds nor “normal”' }],
])('an odd segment leaves the rest of its line: %s', async (_, odd, segment) => {
  const { annotations, leftOut } = await read([{ ...good, ...odd }]);
  expect(leftOut).toEqual([]);
  expect(annotations[0]).toMatchObject({ choice: { value: { answer: 'B' } }, segment });
});

test.each([
  ['a class that is a number', { class: 3 }, 'class', '“class” is missing or of the wrong form'],
  ['options that are a text', { options: 'pays|steals' }, 'choice', '“options” is missing or of the wrong form'],
  ['a list of answers', { answer: ['A', 'B'] }, 'choice', '“answer” is missing or of the wrong form'],
  ['options without a question', { question: '' }, 'choice', 'options without a question'],
  [
    'an index',
    { answer: 1 },
    'choice',
    'the correct option is a number, which may count from 0 or from 1: write A, B, C or D',
  ],
  [
    'a token of the model',
    { question: 'What <|video_pad|> happens?' },
    'choice',
    'the question or an option holds <|video_pad|>, which is no text to a model',
  ],
] as const)('and so does another odd part: %s', async (_, odd, part, problem) => {
  const { annotations } = await read([{ ...good, segment: [1, 2], ...odd }]);
  expect(annotations[0]).toMatchObject({ segment: { value: { kind: 'interval' } }, [part]: { problem } });
});

test('options by their letters', async () => {
  const { annotations } = await read([{ ...good, options: { A: 'pays', B: 'steals', C: 'falls', D: 'waits' } }]);
  expect(annotations[0]).toMatchObject({ choice: { value: { options: good.options } } });
});

test('what Python writes for missing numbers is no number; texts are left alone', async () => {
  const { annotations } = await read([
    '{"video": "NaN.mp4", "segment": [NaN, -Infinity], "description": "say \\"NaN\\""}',
  ]);
  expect(annotations[0]).toMatchObject({
    visuals: [{ kind: 'video', name: 'NaN.mp4' }],
    segment: { value: { kind: 'unknown' } },
    description: 'say "NaN"',
  });
});

test('what lines hold and nobody uses is named', async () => {
  const { annotations, unused } = await read([
    { ...good, segmnet: [1, 2], fps: 30 },
    { ...good, segmnet: [1, 2], id: {}, description: ['a'], reasoning: 'Ends. <|im_end|>' },
    { ...good, key_object: 7 },
  ]);
  expect(annotations.map(({ id, description, reasoning }) => [id, description, reasoning])).toEqual(
    Array(3).fill([undefined, undefined, undefined]),
  );
  expect(unused).toEqual([
    { reason: 'the field “segmnet” is not known; did you mean “segment”?', count: 2, rows: [1, 2] },
    { reason: 'the field “fps” is not known', count: 1, rows: [1] },
    { reason: 'the id is neither a text nor a number', count: 1, rows: [2] },
    { reason: '“description” is missing or of the wrong form', count: 1, rows: [2] },
    { reason: '“reasoning” holds <|im_end|>, which is no text to a model', count: 1, rows: [2] },
    { reason: '“key_object” is missing or of the wrong form', count: 1, rows: [3] },
  ]);
});

test('names that every object has are fields like others, and depth is no trouble', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const { annotations, unused } = await read([`{"video": "a.mp4", "constructor": 1, "segment": ${deep}}`]);
  expect(annotations[0]!.segment).toEqual({ problem: 'the segment is a list of 1, not [start, end]' });
  expect(unused).toEqual([{ reason: 'the field “constructor” is not known', count: 1, rows: [1] }]);
});

test('a thousand unknown fields are told in some twenty words', async () => {
  const { unused } = await read(
    Array.from({ length: 1000 }, (_, i) => ({ video: 'a.mp4', [`column number ${i}`]: 1 })),
  );
  expect(unused).toHaveLength(21);
  expect(unused.at(-1)).toMatchObject({ reason: 'further fields that are not known', count: 980 });
});

test.each([
  ['a list', [{ video: 'a.mp4' }], 'is a JSON list'],
  ['a list over lines', '[\n  {"video": "a.mp4"}\n]', 'is a JSON list'],
  ['a list that is cut off', '[\n  {"video": "a.mp4"},\n  {"vid', 'is a JSON list'],
  ['an object over lines', '{\n  "data": []\n}', 'is one JSON object over several lines'],
])('JSON of another form is told: %s', async (_, text, told) => {
  await expect(read([text])).rejects.toMatchObject({ code: 'DATA_FORMAT', message: expect.stringContaining(told) });
  await expect(read([text])).rejects.toThrow('jq -c');
});

test('several videos, pictures and parts of a video', async () => {
  const { annotations, leftOut } = await read([
    { video: ['a.mp4', 'b.mp4'], image: 'c.png' },
    { image: ['c.png', 'd.jpg'] },
    { video: 'a.mp4', video_start: 2.5, video_end: 4 },
    { video: 'a.mp4', video_end: 4 },
    { video: ['a.mp4', 'b.mp4'], video_start: 1 },
    { video: 'a.mp4', video_start: 4, video_end: 4 },
    { video: [], image: null },
    { video: 'a.mp4', video_start: '2 s' },
  ]);
  const video = (name: string, part?: object) => ({ kind: 'video', name, part });
  const image = (name: string) => ({ kind: 'image', name });
  expect(annotations.map(({ visuals }) => visuals)).toEqual([
    [image('c.png'), video('a.mp4'), video('b.mp4')],
    [image('c.png'), image('d.jpg')],
    [video('a.mp4', { start: 2.5, end: 4 })],
    [video('a.mp4', { start: 0, end: 4 })],
  ]);
  expect(leftOut.map(({ reason, rows }) => [reason, rows])).toEqual(
    expect.arrayContaining([
      ['“video_start” and “video_end” go with one video', [5]],
      ['“video_end” is not after “video_start”', [6]],
      ['“video” is missing or of the wrong form', [7]],
      ['“video_start” is missing or of the wrong form', [8]],
    ]),
  );
});

test('times are asked of one video only', async () => {
  const segment = [1, 2];
  const { annotations } = await read([
    { video: 'a.mp4', segment },
    { video: ['a.mp4', 'b.mp4'], segment },
    { image: 'c.png', segment },
  ]);
  const problems = annotations.map((annotation) => taskNamed('tag').problem(annotation));
  const more = 'times are of one video, and there is something else to see';
  expect(problems).toEqual([undefined, more, more]);
});
