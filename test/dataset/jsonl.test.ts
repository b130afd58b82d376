import { expect, test } from 'vitest';
import { VAU_BENCH_CLASSES } from '../../src/dataset/classes.js';
import { readJsonl } from '../../src/dataset/jsonl.js';
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
    video: 'a.mp4',
    task: 'qa',
    choice: { value: { question: 'What?', options: ['a', 'b', 'c', 'd'], answer: 'C', spelledOut: false } },
    segment: { value: { kind: 'interval', start: 1, end: 2.5 } },
    class: { value: 'Fire' },
    description: 'Smoke.',
  });
  expect(annotations[1]).toEqual({
    line: 2,
    video: 'b.mp4',
    choice: { problem: 'no question' },
    segment: { value: { kind: 'unknown' } },
    class: { problem: 'no class' },
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
    { video: 'a.mp4', segment: ['1', 2] },
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
    { reason: '“video” is missing or of the wrong form', count: 1, rows: [3] },
    { reason: '“segment” is missing or of the wrong form', count: 1, rows: [5] },
    { reason: '“task” is missing or of the wrong form', count: 1, rows: [6] },
    { reason: 'the id occurs twice', count: 1, rows: [8] },
  ]);
});
