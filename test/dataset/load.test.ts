import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDataset, loadSamples } from '../../src/dataset/load.js';
import { fileWith, folderWith, vauBench, vauBenchRow } from './temporary.js';

test('the samples of a task, with absolute paths; what it cannot use is counted with its reason and row', async () => {
  const folder = await folderWith({
    'val.csv': vauBench([
      { video: 'a.mp4' },
      { video: 'gone.mp4' },
      { video: '../a.mp4' },
      { video: 'a.mp4', times: '-1.0,-1.0' },
      { video: 'a.mp4', times: '9.0,2.0' },
      { video: 'a.mp4', question: 'Another?' },
      { video: 'b.mp4', label: 'Normal', times: '0.0,0.0', reasoning: '### Location: yard ### Conclusion: **calm**' },
    ]),
    'videos/a.mp4': '',
    'videos/b.mp4': '',
  });
  const loaded = await loadSamples({
    source: 'vau-bench',
    annotations: join(folder, 'val.csv'),
    videos: join(folder, 'videos'),
    task: 'tag',
  });
  expect(loaded.rows).toBe(7);
  expect(loaded.samples.map(({ id, task, visuals, segment }) => ({ id, task, visuals, segment }))).toEqual([
    {
      id: 'val.csv:2:tag',
      task: 'tag',
      visuals: [{ kind: 'video', file: join(folder, 'videos/a.mp4') }],
      segment: { kind: 'interval', start: 1.5, end: 4 },
    },
    {
      id: 'val.csv:8:tag',
      task: 'tag',
      visuals: [{ kind: 'video', file: join(folder, 'videos/b.mp4') }],
      segment: { kind: 'normal' },
    },
  ]);
  expect(loaded.samples[1]!.reasoning).toBe('Location: yard\nConclusion: calm');
  expect(loaded.leftOut).toEqual([
    { reason: 'video not found', count: 1, rows: [3] },
    { reason: 'the video name leads out of the folder of videos', count: 1, rows: [4] },
    { reason: 'no times annotated', count: 1, rows: [5] },
    { reason: 'the end is not after the start', count: 1, rows: [6] },
    { reason: 'the same as an earlier row', count: 1, rows: [7] },
  ]);
});

test('a row that one task cannot use is still used by the others', async () => {
  const annotations = await fileWith('val.csv', vauBench([{ answer: 'E', times: 'nan,3', label: 'Fire' }]));
  const usable = async (task: 'qa' | 'tag' | 'cls' | 'reasoning') =>
    (await loadSamples({ source: 'vau-bench', annotations, task })).samples.map((sample) => [
      sample.task,
      sample.segment.kind,
    ]);
  expect(await usable('qa')).toEqual([]);
  expect(await usable('tag')).toEqual([]);
  expect(await usable('cls')).toEqual([['cls', 'unknown']]);
  expect(await usable('reasoning')).toEqual([['reasoning', 'unknown']]);
});

test('lines of their own task, and lines for all that they can serve', async () => {
  const lines = [
    { id: 'x', video: 'a.mp4', task: 'tag', segment: 'normal', class: 'Normal' },
    { video: 'b.mp4', segment: [1, 2], class: 'Fire', description: 'Described for training, not asked about.' },
    { video: 'c.mp4' },
  ];
  const annotations = await fileWith('mine.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  const all = await loadSamples({ source: 'jsonl', annotations });
  expect(all.samples.map(({ id }) => id)).toEqual(['mine.jsonl:x:tag', 'mine.jsonl:2:tag', 'mine.jsonl:2:cls']);
  expect(all.leftOut).toEqual([{ reason: 'nothing that a task could ask for', count: 1, rows: [3] }]);
  const cls = await loadSamples({ source: 'jsonl', annotations, task: 'cls' });
  expect(cls.samples.map(({ id }) => id)).toEqual(['mine.jsonl:2:cls']);
  expect(cls.leftOut).toEqual([
    { reason: 'meant for another task', count: 1, rows: [1] },
    { reason: 'no class', count: 1, rows: [3] },
  ]);
});

test.each([
  ['qa', { question: 'Another?' }, { segment: [3, 4], class: 'Fighting', description: 'Other words.' }],
  ['tag', { segment: [3, 4] }, { question: 'Another?', class: 'Fighting', description: 'Other words.' }],
  ['cls', { class: 'Fighting' }, { question: 'Another?', segment: [3, 4], description: 'Other words.' }],
  ['reasoning', { description: 'Other words.' }, { question: 'Another?', segment: [3, 4], class: 'Fighting' }],
] as const)('rows are one sample of %s where they differ in nothing that it asks', async (task, asked, other) => {
  const choice = { question: 'What happens?', options: ['a fight', 'a fire', 'a fall', 'nothing'], answer: 'A' };
  const row = { video: 'a.mp4', ...choice, segment: [1, 2], class: 'Fire', description: 'It burns.' };
  const lines = [row, { ...row, ...other }, { ...row, ...asked }].map((line) => JSON.stringify(line));
  const annotations = await fileWith('mine.jsonl', lines.join('\n'));
  const { samples, leftOut } = await loadSamples({ source: 'jsonl', annotations, task });
  expect(samples.map(({ id }) => id)).toEqual([`mine.jsonl:1:${task}`, `mine.jsonl:3:${task}`]);
  expect(leftOut).toEqual([{ reason: 'the same as an earlier row', count: 1, rows: [2] }]);
});

test('own labels', async () => {
  const annotations = await fileWith('mine.jsonl', '{"video":"a.mp4","class":"left luggage"}');
  const load = (classes?: string[]) => loadSamples({ source: 'jsonl', annotations, task: 'cls', classes });
  expect((await load(['Calm', 'Left_luggage'])).samples[0]!.class).toBe('Left_luggage');
  expect((await load()).leftOut[0]!.reason).toBe('the class “left luggage” is not in the list of classes');
});

test('several sources: one after the other, ids that differ, each reason logged once', async () => {
  const folder = await folderWith({
    'one/val.csv': vauBench([{}, { video: 'b.mp4', answer: 'E' }, { video: 'c.mp4', answer: 'E' }]),
    'two/val.csv': vauBench([vauBenchRow({ video: 'z.mp4' })]),
  });
  const log: string[] = [];
  const sources = ['one', 'two'].map((name) => ({
    source: 'vau-bench' as const,
    annotations: join(folder, name, 'val.csv'),
    task: 'qa' as const,
  }));
  const samples = await loadDataset({
    data: { train: sources, eval: [] },
    split: 'train',
    log: (message) => log.push(message),
  });
  expect(samples.map(({ id, visuals }) => [id, visuals[0]!.file])).toEqual([
    ['one/val.csv:2:qa', 'a.mp4'],
    ['two/val.csv:2:qa', 'z.mp4'],
  ]);
  expect(log).toEqual([
    `${folder}/one/val.csv: 2 rows left out: the correct option is not one of A, B, C, D (row 3, 4)`,
  ]);
});

test('a part that cannot be used is told although its row serves, and so is a field that nobody knows', async () => {
  const good = { video: 'a.mp4', question: 'What?', options: ['a', 'b', 'c', 'd'], answer: 'B' };
  const lines = [
    { ...good, segment: [9, 3], camera: 4 },
    { video: 'b.mp4', segment: [9, 3] },
  ];
  const annotations = await fileWith('mine.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  const log: string[] = [];
  const train = [{ source: 'jsonl' as const, annotations }];
  const samples = await loadDataset({ data: { train, eval: [] }, split: 'train', log: (line) => log.push(line) });
  expect(samples.map(({ id }) => id)).toEqual(['mine.jsonl:1:qa']);
  expect(log).toEqual([
    `${annotations}: 1 row left out: the end is not after the start (row 2)`,
    `${annotations}: not used in 1 row: the field “camera” is not known (row 1)`,
    `${annotations}: not used in 1 row: the end is not after the start (row 1)`,
  ]);
});

test('nothing usable stops before anything else', async () => {
  const annotations = await fileWith('val.csv', vauBench([{ answer: 'E' }]));
  const train = [{ source: 'vau-bench' as const, annotations, task: 'qa' as const }];
  const load = loadDataset({ data: { train, eval: [] }, split: 'train', log: () => {} });
  await expect(load).rejects.toMatchObject({
    code: 'DATA_NOTHING_USABLE',
    message: expect.stringContaining(annotations),
  });
});
