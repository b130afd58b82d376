import { describe, expect, test } from 'vitest';
import type { Sample } from '../../src/dataset/sample.js';
import { predictionsOf } from '../../src/evaluation/held-out.js';
import { readPredictions } from '../../src/evaluation/predictions-file.js';
import { fileWith } from '../dataset/temporary.js';
import { interval, sampleOf } from '../tasks/judged.js';

const one = (task: Sample['task'], name: string, parts: Partial<Sample>): Sample => ({
  ...sampleOf(task, parts),
  id: `test.csv:${name}:${task}`,
  visuals: [{ kind: 'video', file: `/videos/sub/${name}.mp4` }],
});
const samples = [
  one('qa', 'a', { options: ['w', 'x', 'y', 'z'], answer: 'B' }),
  one('tag', 'a', { segment: interval(1, 2) }),
  one('cls', 'b', { class: 'Fire' }),
  one('cls', 'c', { class: 'Fire' }),
];

async function read(name: string, text: string, columns: object = {}) {
  const { answers, leftOut } = await readPredictions({
    file: await fileWith(name, text),
    columns,
    samples,
    style: 'direct',
  });
  const { predictions } = predictionsOf({ answers, samples, style: 'direct' });
  return {
    texts: Object.fromEntries(predictions.map(({ sample, text: said }) => [sample.id, said])),
    reasons: Object.fromEntries(leftOut.map(({ reason, rows }) => [reason, rows])),
  };
}

describe('JSON lines', () => {
  test('by id or by video, as a completion or as what it would hold', async () => {
    const { texts, reasons } = await read(
      'theirs.jsonl',
      [
        { sample_id: 'test.csv:a:qa', text: '<answer>B</answer>', whatever: 1 },
        { video: 'a.avi', task: 'tag', answer: 'Anomaly', segment: [1, 2.5] },
        { video: 'sub/b', answer: 'fire' },
        { video: 'c', answer: 7 },
      ]
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    expect(reasons).toEqual({});
    expect(texts).toEqual({
      'test.csv:a:qa': '<answer>B</answer>',
      'test.csv:a:tag': '<answer>Anomaly</answer><glue>[1, 2.5]</glue>',
      'test.csv:b:cls': '<answer>fire</answer>',
      'test.csv:c:cls': '<answer>7</answer>',
    });
  });

  test('what is malformed, in more than ten ways, costs its row and no other', async () => {
    const good = { sample_id: 'test.csv:b:cls', text: '<answer>Fire</answer>' };
    const lines = [
      JSON.stringify(good),
      '{"sample_id": "test.csv:c:cls", "text": "<answer>Fi',
      'not json',
      '[1, 2]',
      '"text"',
      '{"text": "<answer>A</answer>"}',
      '{"sample_id": "nobody", "text": "A"}',
      '{"sample_id": null, "video": "", "text": "A"}',
      '{"video": "zzz", "text": "A"}',
      '{"video": "a", "text": "A"}',
      '{"sample_id": "test.csv:c:cls"}',
      '{"sample_id": "test.csv:c:cls", "text": 5}',
      '{"sample_id": "test.csv:c:cls", "text": null, "answer": NaN}',
      '{"sample_id": "test.csv:c:cls", "text": ["A"]}',
      JSON.stringify({ ...good, text: 'again' }),
    ];
    const { texts, reasons } = await read('theirs.jsonl', lines.join('\n'));
    expect(texts).toEqual({ 'test.csv:b:cls': '<answer>Fire</answer>' });
    expect(reasons).toEqual({
      'not a JSON object': [2, 3, 4, 5],
      'it names neither “sample_id” nor “video”': [6, 8],
      'the config has no sample of that id': [7],
      'the config has no sample of that video (and task)': [9],
      'several samples are of that video; name the sample_id, or the task': [10],
      'it has neither a “text” nor an “answer” (as text)': [11, 12, 13, 14],
      'another answer to a sample that has one; the first is used': [15],
    });
  });

  test('a whole list is told how to be made lines, and a file that answers nothing is an error', async () => {
    await expect(read('theirs.json', '[{"sample_id": "x"}]')).rejects.toMatchObject({ code: 'DATA_FORMAT' });
    await expect(read('theirs.jsonl', '{"sample_id": "x", "text": ""}')).rejects.toMatchObject({
      code: 'PREDICTIONS_NONE',
    });
  });
});

describe('CSV', () => {
  test('with the file’s own names of its columns', async () => {
    const text = 'Video,Kind,Pred,From,To\na.mp4,tag,Anomaly,1.5,3\n"b.mp4",cls,"Fi,re",,\nc.mp4,cls,Fire\n';
    const columns = { video: 'Video', task: 'Kind', answer: 'Pred', start: 'From', end: 'To' };
    const { texts, reasons } = await read('theirs.csv', text, columns);
    expect(texts).toEqual({
      'test.csv:a:tag': '<answer>Anomaly</answer><glue>[1.5, 3]</glue>',
      'test.csv:b:cls': '<answer>Fi,re</answer>',
    });
    expect(reasons).toEqual({ 'not as many fields as columns': [4] });
  });

  test('a column that is not there is named, with those that are', async () => {
    await expect(read('theirs.csv', 'a,b\n1,2\n', { text: 'c' })).rejects.toMatchObject({
      code: 'DATA_COLUMN_MISSING',
      message: expect.stringContaining('“c”'),
    });
  });
});
