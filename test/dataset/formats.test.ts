import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { loadSamples } from '../../src/dataset/load.js';
import { formatOf, readAnnotations } from '../../src/dataset/read.js';
import { fileWith } from './temporary.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

describe('parquet, as pyarrow writes it', () => {
  test('with the columns of VAU-Bench', async () => {
    const file = fixture('vau-bench.parquet');
    expect(formatOf(file)).toBe('parquet');
    const { annotations, rows, leftOut, unused } = await readAnnotations({ source: 'parquet', file, classes });
    expect({ rows, leftOut, unused }).toEqual({ rows: 3, leftOut: [], unused: [] });
    expect(annotations).toMatchObject([
      { line: 1, choice: { value: { answer: 'A' } }, segment: { value: { start: 1.5, end: 7 } }, keyObject: 'two men' },
      { line: 2, choice: { absent: 'no question' }, segment: { value: { kind: 'normal' } }, reasoning: undefined },
      { line: 3, choice: { value: { answer: 'D' } }, segment: { value: { kind: 'unknown' } } },
    ]);
  });

  test('with the fields of lines', async () => {
    const annotations = fixture('lines.parquet');
    const { samples, leftOut } = await loadSamples({ source: 'parquet', annotations });
    expect(leftOut).toEqual([]);
    expect(samples.map(({ id }) => id)).toEqual([
      'lines.parquet:7:qa',
      'lines.parquet:7:tag',
      'lines.parquet:7:cls',
      'lines.parquet:8:cls',
    ]);
    expect(samples[1]!.segment).toEqual({ kind: 'interval', start: 1, end: 2.5 });
  });

  test('what is none is said', async () => {
    const file = await fileWith('a.parquet', 'no parquet at all');
    await expect(readAnnotations({ source: 'parquet', file, classes })).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining('cannot be read as parquet'),
    });
  });
});

test('HIVAU-70k’s raw annotations: events in seconds, one of which can be used', async () => {
  const file = await fileWith(
    'ucf_database_train.json',
    JSON.stringify({
      Abuse001_x264: { n_frames: 2729, fps: 30, label: ['Abuse'], events: [[3.933, 15.867]] },
      Arrest001_x264: {
        n_frames: 2374,
        fps: 30,
        label: ['Arrest'],
        events: [
          [1, 2],
          [39.5, 49.5],
        ],
      },
      RoadAccidents001_x264: { n_frames: 300, fps: 30, label: ['RoadAccidents'], events: [[1, 2]] },
      Normal_Videos_003_x264: { n_frames: 300, fps: 30, label: ['Normal'], events: [[0, 10]] },
      Broken: { n_frames: 300 },
    }),
  );
  const { annotations, leftOut, rows } = await readAnnotations({ source: 'hivau', file, classes });
  expect(rows).toBe(5);
  expect(annotations).toMatchObject([
    { id: 'Abuse001_x264', class: { value: 'Abuse' }, segment: { value: { start: 3.933, end: 15.867 } } },
    { class: { value: 'Arrest' }, segment: { problem: 'several segments, where one can be used' } },
    { class: { value: 'Traffic_accident' } },
    { class: { value: 'Normal' }, segment: { value: { kind: 'normal' } } },
  ]);
  expect(leftOut).toMatchObject([{ count: 1, rows: [5] }]);
  const list = await fileWith('b.json', '[1, 2]');
  await expect(readAnnotations({ source: 'hivau', file: list, classes })).rejects.toMatchObject({
    code: 'DATA_FORMAT',
  });
});

test('Vad-Reasoning: reasoning and class; times of an unknown unit are named, not used', async () => {
  const file = await fileWith(
    'Vad-Reasoning-SFT-test.jsonl',
    [
      JSON.stringify({
        source: 'UCF',
        video: 'Fighting003_x264',
        path: '/data/UCF/Fighting003_x264.mp4',
        anomaly_type: 'Fighting',
        total_frames: 900,
        think: '<think><step1>A yard.</step1></think>',
        answer: '<answer>Two men <what>fight</what>.</answer>',
        start: 0.2,
        end: 0.5,
      }),
      JSON.stringify({ video: 'a.mp4', label: 'Normal' }),
      '{"video": 3}',
    ].join('\n'),
  );
  const { annotations, leftOut, unused } = await readAnnotations({ source: 'vad-reasoning', file, classes });
  expect(annotations).toMatchObject([
    {
      visuals: [{ name: 'Fighting003_x264.mp4' }],
      class: { value: 'Fighting' },
      segment: { value: { kind: 'unknown' } },
      description: 'Two men fight.',
      reasoning: 'A yard.',
    },
    { class: { value: 'Normal' }, segment: { value: { kind: 'normal' } } },
  ]);
  expect(leftOut).toMatchObject([{ count: 1 }]);
  expect(unused).toMatchObject([{ reason: '“start” and “end”, whose unit is not stated', rows: [1] }]);
});
