import { describe, expect, test } from 'vitest';
import { VAU_BENCH_CLASSES } from '../../src/dataset/classes.js';
import { readVauBench } from '../../src/dataset/vau-bench.js';
import { fileWith, HEADER, vauBench, vauBenchRow } from './temporary.js';

const read = async (text: string | Uint8Array) =>
  readVauBench({ file: await fileWith('val.csv', text), classes: VAU_BENCH_CLASSES });
const first = async (cells: Parameters<typeof vauBenchRow>[0]) => (await read(vauBench([cells]))).annotations[0]!;

test('a whole row', async () => {
  expect(await first({ description: '"Two men, fighting."' })).toEqual({
    line: 2,
    visuals: [{ kind: 'video', name: 'a.mp4' }],
    choice: {
      value: {
        question: 'What happens?',
        options: ['a fight', 'a fire', 'a fall', 'nothing'],
        answer: 'A',
        spelledOut: false,
      },
    },
    segment: { value: { kind: 'interval', start: 1.5, end: 4 } },
    class: { value: 'Fighting' },
    keyObject: 'man',
    description: 'Two men, fighting.',
    reasoning: 'They hit each other.',
  });
});

test('a row of −1 has no question, class or text, and keeps its times', async () => {
  const row = await first({
    question: '-1',
    options: '-1,-1,-1,-1',
    answer: '-1',
    description: '-1',
    reasoning: '-1',
    label: '-1',
    times: '42.5,45.33',
  });
  expect(row.choice).toEqual({ absent: 'no question' });
  expect(row.class).toEqual({ absent: 'no class' });
  expect([row.description, row.reasoning]).toEqual([undefined, undefined]);
  expect(row.segment).toEqual({ value: { kind: 'interval', start: 42.5, end: 45.33 } });
});

test('times of −1 are unknown, also where the class is Normal', async () => {
  const row = await first({ label: 'Normal', times: '-1.0,-1.0' });
  expect(row.segment).toEqual({ value: { kind: 'unknown' } });
});

test('0, 0 is normal, unless the class is an anomaly', async () => {
  expect((await first({ label: 'Normal', times: '0.0,0.0' })).segment).toEqual({ value: { kind: 'normal' } });
  expect((await first({ label: '-1', times: '0.0,0.0' })).segment).toEqual({ value: { kind: 'normal' } });
  expect((await first({ times: '0.0,0.0' })).segment).toEqual({ problem: 'the times say normal, the class does not' });
});

test('an interval of class Normal is kept', async () => {
  const row = await first({ label: 'Normal', times: '3.0,8.0' });
  expect(row.segment).toEqual({ value: { kind: 'interval', start: 3, end: 8 } });
});

describe('the correct option', () => {
  test.each([
    ['B', 'B'],
    ['b', 'B'],
    ['D. nothing', 'D'],
    ['B. A  Fire', 'B'],
    ['a fight', 'A'],
  ])('%j is %s', async (answer, letter) => {
    expect((await first({ answer })).choice).toMatchObject({
      value: { answer: letter, spelledOut: answer.length > 1 },
    });
  });

  test.each(['(B)', 'B.', 'B)', 'Option B', '**B**', '<answer>B</answer>'])(
    '%j is B, as from a model',
    async (answer) => {
      expect((await first({ answer })).choice).toMatchObject({ value: { answer: 'B', spelledOut: false } });
    },
  );

  test('a number may count from 0 or from 1', async () => {
    expect((await first({ answer: '1' })).choice).toEqual({
      problem: 'the correct option is a number, which may count from 0 or from 1: write A, B, C or D',
    });
  });

  test('letters that the options bring along are not shown twice', async () => {
    const { choice } = await first({ options: 'A. a fight,B. a fire,C. a fall,D. nothing', answer: 'B. a fire' });
    expect(choice).toMatchObject({
      value: { options: ['a fight', 'a fire', 'a fall', 'nothing'], answer: 'B', spelledOut: true },
    });
    const own = await first({ options: 'A. a fight,a fire,C. a fall,nothing', answer: 'B' });
    expect(own.choice).toMatchObject({ value: { options: ['A. a fight', 'a fire', 'C. a fall', 'nothing'] } });
  });

  test.each(['E', '', 'AB', 'D. a fire', 'A or B'])('%j is refused', async (answer) => {
    const { choice } = await first({ answer });
    expect(choice).toEqual({ problem: 'the correct option is not one of A, B, C, D' });
  });

  test('an empty option', async () => {
    expect((await first({ options: 'a fight,,a fall,nothing' })).choice).toEqual({ problem: 'not four options' });
  });
});

test('labels are matched whatever their case and spaces', async () => {
  expect((await first({ label: 'traffic Accident' })).class).toEqual({ value: 'Traffic_accident' });
  expect((await first({ label: 'Flood' })).class).toEqual({
    problem: 'the class “Flood” is not in the list of classes',
  });
});

test('ragged rows, rows without a name and open quotes are counted; the rest goes on', async () => {
  const { rows, annotations, leftOut } = await read(
    vauBench([{}, `${vauBenchRow({})},more`, 'a.mp4,1,2', { video: '' }, '"open,1,2', { video: 'b.mp4' }]),
  );
  expect(rows).toBe(6);
  expect(annotations.map(({ line, visuals }) => [line, visuals[0]!.name])).toEqual([
    [2, 'a.mp4'],
    [7, 'b.mp4'],
  ]);
  expect(leftOut).toEqual([
    { reason: 'a quote is not closed', count: 1, rows: [6] },
    { reason: 'not as many fields as columns', count: 2, rows: [3, 4] },
    { reason: 'no video name', count: 1, rows: [5] },
  ]);
});

test('byte order mark, CRLF, other order, case and number of columns', async () => {
  const header =
    'extra,video_name,question,option 1,Option 2,Option 3,Option 4,Correct Option,Description,Reasoning,Anomaly Class,start time,End Time';
  const row = 'x,a.mp4,What?,a,b,c,d,C,text,why,Fire,1,2';
  const { annotations } = await read(`\uFEFF${vauBench([row], { header, eol: '\r\n' })}`);
  expect(annotations[0]).toMatchObject({
    line: 2,
    visuals: [{ kind: 'video', name: 'a.mp4' }],
    choice: { value: { answer: 'C' } },
    class: { value: 'Fire' },
  });
  expect(annotations[0]!.segment).toEqual({ value: { kind: 'interval', start: 1, end: 2 } });
});

test('a missing column is named, with those that there are', async () => {
  const header =
    'Video Name,Question,Option 1,Option 2,Option 3,Option 4,Correct Option,Description,Reasoning,Anomaly Class,End Time';
  await expect(read(vauBench([], { header }))).rejects.toMatchObject({
    code: 'DATA_COLUMN_MISSING',
    message: expect.stringMatching(
      /val\.csv: the column “Start Time” is missing; there are “Video Name”, .*“End Time”/,
    ),
  });
});

test('a header alone is a file without rows', async () => {
  expect(await read(vauBench([]))).toMatchObject({ rows: 0, annotations: [], leftOut: [] });
});

test.each([
  ['DATA_EMPTY', ''],
  ['DATA_EMPTY', '\uFEFF\n\n'],
  ['DATA_NOT_UTF8', Uint8Array.of(0xff, 0xfe, 0x61, 0)],
])('%s', async (code, text) => {
  await expect(read(text)).rejects.toMatchObject({ code, message: expect.stringContaining('val.csv') });
});

test('no such file', async () => {
  await expect(readVauBench({ file: '/nowhere/val.csv', classes: [] })).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('/nowhere/val.csv: there is no such file'),
  });
});

test('columns that nobody uses are named', async () => {
  const header = `${HEADER},Duration,question,Start_Tmie`;
  const { annotations, unused } = await read(vauBench([`${vauBenchRow({})},12,again,3`], { header }));
  expect(annotations[0]).toMatchObject({ choice: { value: { question: 'What happens?' } } });
  expect(unused).toEqual([
    { reason: 'the column “Duration” is not known', count: 1, rows: [] },
    { reason: 'the column “question” stands there again; the first is used', count: 1, rows: [] },
    { reason: 'the column “Start_Tmie” is not known; did you mean “Start Time”?', count: 1, rows: [] },
  ]);
});

test.each([
  ['[{"video": "a.mp4"}]', 'is a JSON list'],
  ['{"video": "a.mp4"}\n{"video": "b.mp4"}', 'is its source “jsonl”?'],
])('JSON is not read as CSV: %s', async (text, told) => {
  await expect(read(text)).rejects.toMatchObject({
    code: 'DATA_FORMAT',
    message: expect.stringContaining(told),
  });
});
