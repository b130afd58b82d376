import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { annotateCommand } from '../../../src/cli/commands/dataset-annotate.js';
import { VAU_BENCH_CLASSES as classes } from '../../../src/dataset/classes.js';
import { loadSamples } from '../../../src/dataset/load.js';
import { type Asked, failing, saying, scriptedServer } from '../../judge/scripted-server.js';
import { tinyProject } from '../../tiny-project.js';
import { runCommand } from './run.js';

const project = await tinyProject({ train: 1, test: 2 });
afterAll(() => {
  process.exitCode = undefined;
});

const REPLIES: Record<string, object> = {
  description: { description: 'A car burns.' },
  reasoning: { judgement: 'Anomaly', anomaly_class: 'Fire', evidence: 'e', cause: 'c', result: 'r', start: 1, end: 3 },
  key_object: { key_object: 'car' },
  question: { question: 'What burns?', answer: 'a car', distractors: ['a bus', 'a tree', 'a shed'] },
  refinement: {
    question: 'What burns?',
    answer: 'a car',
    distractors: ['a bus', 'a tree', 'a shed'],
    description: 'A car is on fire.',
  },
};
const stepOf = ({ body }: Asked) => (body.response_format as { json_schema: { name: string } }).json_schema.name;
const answering = saying((asked) => JSON.stringify(REPLIES[stepOf(asked)]));

it('makes a source of a folder of videos, goes on after a fault, and pays for nothing twice', async () => {
  // The second step of one of the videos fails for good, the first time.
  const { url, asked } = await scriptedServer(answering, answering, answering, failing(400), answering);
  const out = join(project.folder, 'bench');
  await writeFile(
    join(project.folder, 'known.jsonl'),
    '{"video": "test-00001", "class": "Arson", "segment": [0.5, 2]}\n',
  );
  const annotate = () =>
    runCommand(annotateCommand, [
      ...['annotate', project.videos, out, '--server', url, '--model', 'm', '--max-frames', '3'],
      ...['--judge', `cache=${join(project.folder, 'replies')}`, '--judge', 'concurrency=1'],
      ...['--labels', join(project.folder, 'known.jsonl')],
    ]);
  const first = await annotate();
  expect(process.exitCode).toBe(1);
  expect(first.stderr).toMatch(/not annotated: \S+\.mp4: reasoning: the server says 400/);
  expect(first.stderr).toMatch(/benchmark\.jsonl: 2 of 3 videos/);
  const before = asked.length;
  const second = await annotate();
  expect(process.exitCode).toBe(0);
  expect(second.stderr).toContain('2 of 3 are annotated already');
  // Its description was there; the four steps after it were not.
  expect(asked.length - before).toBeLessThanOrEqual(6);
  const third = await annotate();
  expect(third.stderr).toContain('3 of 3 are annotated already');
  const { samples } = await loadSamples({
    source: 'jsonl',
    annotations: join(out, 'benchmark.jsonl'),
    videos: project.videos,
    classes,
  });
  expect(samples.map(({ task }) => task)).toEqual(['qa', 'tag', 'cls', 'qa', 'tag', 'cls', 'qa', 'tag', 'cls']);
  const lines = (await readFile(join(out, 'benchmark.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.find(({ video }) => video === 'test-00001.mp4')).toMatchObject({ class: 'Arson', segment: [0.5, 2] });
  expect(asked.filter((one) => stepOf(one) === 'description').every(({ images }) => images > 1)).toBe(true);
});

it('wants to know whom to ask, and something to annotate', async () => {
  const annotate = (...args: string[]) => runCommand(annotateCommand, ['annotate', ...args]);
  const nobody = annotate(project.videos, join(project.folder, 'none'));
  await expect(nobody).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('base_url') });
  const odd = annotate(project.videos, join(project.folder, 'none'), '--judge', 'budget');
  await expect(odd).rejects.toMatchObject({ code: 'USAGE' });
  const nothing = annotate(join(project.folder, 'model'), join(project.folder, 'none'));
  await expect(nothing).rejects.toMatchObject({ code: 'DATA_NOTHING_USABLE' });
});
