import { expect, test } from 'vitest';
import { TASK_NAMES } from '../../src/config/task-names.js';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { type WrittenFormat, writeAnnotations } from '../../src/dataset/convert.js';
import { loadSamples } from '../../src/dataset/load.js';
import { readAnnotations } from '../../src/dataset/read.js';
import { fileWith, vauBench } from './temporary.js';

const FILES: Record<WrittenFormat, string> = { 'vau-bench': 'a.csv', jsonl: 'a.jsonl' };

async function convert({ text, from, to }: { text: string; from: WrittenFormat; to: WrittenFormat }): Promise<string> {
  const { annotations } = await readAnnotations({ source: from, file: await fileWith(FILES[from], text), classes });
  return writeAnnotations({ annotations, format: to });
}

test('CSV to JSONL and back loses nothing that can be used', async () => {
  const text = vauBench([
    { description: '"a, ""b"""', times: '0.67,17.0' },
    { video: 'b.mp4', question: '-1', options: '-1,-1,-1,-1', answer: '-1', label: '-1', times: '-1.0,-1.0' },
    { video: 'c.mp4', label: 'Normal', times: '0.0,0.0', reasoning: '-1' },
  ]);
  const lines = await convert({ text, from: 'vau-bench', to: 'jsonl' });
  expect(
    lines
      .split('\n')
      .slice(0, 3)
      .map((line) => JSON.parse(line).segment),
  ).toEqual([[0.67, 17], undefined, 'normal']);
  expect(await convert({ text: lines, from: 'jsonl', to: 'vau-bench' })).toBe(text);
});

test('a line for one task serves that one only in CSV too', async () => {
  const parts = { question: 'What?', options: ['a', 'b', 'c', 'd'], answer: 'B', segment: [1, 2], class: 'Fire' };
  for (const task of ['qa', 'tag', 'cls'] as const) {
    const text = JSON.stringify({ video: 'a.mp4', task, ...parts });
    const annotations = await fileWith('a.csv', await convert({ text, from: 'jsonl', to: 'vau-bench' }));
    const served = await Promise.all(
      TASK_NAMES.map((name) => loadSamples({ source: 'vau-bench', annotations, task: name })),
    );
    expect(served.flatMap(({ samples }) => samples.map((sample) => sample.task))).toEqual([task]);
  }
});
