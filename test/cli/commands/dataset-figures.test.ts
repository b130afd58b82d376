import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blindCommand } from '../../../src/cli/commands/dataset-blind.js';
import { splitCommand } from '../../../src/cli/commands/dataset-split.js';
import { statsCommand } from '../../../src/cli/commands/dataset-stats.js';
import { fileWith, folderWith, vauBench } from '../../dataset/temporary.js';
import { tinyProject } from '../../tiny-project.js';
import { runCommand } from './run.js';

const rows = Array.from({ length: 10 }, (_, i) => ({
  video: `v${i}.mp4`,
  answer: i < 7 ? 'A' : 'B',
  label: i < 4 ? 'Normal' : 'Fire',
  times: i < 4 ? '0,0' : '2,8',
}));

it('blind: what guessers get, a column each', async () => {
  const file = await fileWith('mine.csv', vauBench(rows));
  const { stdout } = await runCommand(blindCommand, ['blind', file]);
  expect(stdout).toMatch(
    /mine\.csv, qa: 10 samples of 10 videos; guessers have read 10\n.*always A, % +longest option, %/,
  );
  expect(stdout).toMatch(/^anomaly\/miou +6 +100\.00 \(100\.0–100\.0\) +0\.00/m);
  expect(stdout).toMatch(/^accuracy +10 +60\.00 \(30\.0–90\.0\) +40\.00/m);
  const { stdout: json } = await runCommand(blindCommand, ['blind', file, '--json']);
  expect(JSON.parse(json)).toHaveLength(3);
});

it('stats: a column a file, hours where the videos are', async () => {
  const project = await tinyProject({ train: 2, test: 1 });
  const file = join(project.folder, 'clips/train.jsonl');
  const { stdout } = await runCommand(statsCommand, ['stats', file, '--videos', project.videos]);
  expect(stdout).toMatch(/^videos +2$/m);
  expect(stdout).toMatch(/^hours +0\.00$/m);
  expect(stdout).toMatch(/^videos not found +0$/m);
});

describe('split', () => {
  it('writes its parts in the format that was read, and over nothing', async () => {
    const file = await fileWith('mine.csv', vauBench(rows));
    const out = await folderWith({});
    const { stderr } = await runCommand(splitCommand, ['split', file, out, '--parts', 'train=80', 'test=20']);
    expect(stderr).toMatch(/train\.csv: 8 of 10 rows\n.*test\.csv: 2 of 10 rows/);
    expect((await readFile(join(out, 'train.csv'), 'utf8')).split('\n')[0]).toContain('Video Name');
    await expect(runCommand(splitCommand, ['split', file, out, '--parts', 'train=1'])).rejects.toMatchObject({
      code: 'FILE_EXISTS',
    });
  });

  it.each([
    ['--parts', 'train'],
    ['--group', '('],
  ])('names what is wrong with %s %s', async (...args) => {
    const out = await folderWith({});
    const file = await fileWith('mine.csv', vauBench(rows));
    await expect(runCommand(splitCommand, ['split', file, out, ...args])).rejects.toMatchObject({ code: 'USAGE' });
    expect(existsSync(join(out, 'train.csv'))).toBe(false);
  });
});
