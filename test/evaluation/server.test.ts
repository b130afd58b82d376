import { afterAll, expect, test } from 'vitest';
import { command } from '../../src/cli/commands/evaluate.js';
import { runCommand } from '../cli/commands/run.js';
import { failing, saying, scriptedServer } from '../judge/scripted-server.js';
import { tinyProject } from '../tiny-project.js';

const project = await tinyProject({ train: 2, test: 2 });
afterAll(() => {
  process.exitCode = undefined;
});

const evaluate = (url: string, ...args: string[]) =>
  runCommand(command, ['evaluate', project.config, '--server', url, '--server-model', 'm', '--json', ...args]);

const right = saying(({ text }) =>
  text.includes('When?') ? '<answer>Anomaly</answer><glue>[0.0, 9.0]</glue>' : '<answer>A</answer>',
);

test('a model behind a server is shown a video as frames with their times, and asked what the policy is', async () => {
  const { url, asked } = await scriptedServer(right);
  const { stdout, stderr } = await evaluate(url, '--set', 'evaluation.votes=3');
  const { report } = JSON.parse(stdout);
  expect(report.sections.map(({ task, samples }: { task: string; samples: number }) => [task, samples])).toEqual([
    ['qa', 2],
    ['tag', 2],
    ['cls', 2],
  ]);
  expect(asked).toHaveLength(6 + 2 * 3);
  const tag = asked.find(({ text, body }) => text.includes('When?') && body.temperature === 0)!;
  expect(tag.images).toBe(4);
  expect(tag.text).toMatch(/Frame at 0\.0 s:\n.*Frame at \d/s);
  const drawn = asked.filter(({ body }) => body.temperature === 1);
  expect(new Set(drawn.map(({ body }) => body.seed)).size).toBe(6);
  expect(stderr).toContain('12 calls');
  // Started again, nobody is asked.
  await evaluate(url, '--set', 'evaluation.votes=3');
  expect(asked).toHaveLength(12);
});

test('what it does not answer is left out with the reason, and asked again another time', async () => {
  const flaky = await scriptedServer(failing(400), right);
  const { stdout, stderr } = await evaluate(flaky.url, '--set', 'evaluation.server.max_retries=0');
  const { left_out } = JSON.parse(stdout);
  expect(left_out).toEqual([{ reason: expect.stringContaining('400'), count: 1 }]);
  expect(stderr).toContain('the server says 400');
  const again = await evaluate(flaky.url, '--set', 'evaluation.server.max_retries=0');
  expect(JSON.parse(again.stdout).left_out).toEqual([]);
  expect(flaky.asked).toHaveLength(7);
});

test('one that cannot be asked at all is told', async () => {
  const { url } = await scriptedServer(failing(401));
  await expect(evaluate(url)).rejects.toMatchObject({
    code: 'DATA_NOTHING_READABLE',
    message: expect.stringContaining('key'),
  });
});
