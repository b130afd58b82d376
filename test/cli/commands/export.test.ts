import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { command } from '../../../src/cli/commands/export.js';
import { tinyProject } from '../../tiny-project.js';
import { readLines, trainHere } from '../../trainer/train-here.js';
import { runCommand } from './run.js';

it('writes event files and tables, the same each time; and refuses what has no place for its runs', async () => {
  const project = await tinyProject({ train: 3, test: 3 });
  const { end } = await trainHere({ project, name: 'one', set: ['method=grpo', 'training.eval_steps=3'] });
  expect(await end).toBe('done');
  const run = join(project.folder, 'one');
  const [tensorboard, parquet] = [join(project.folder, 'tb'), join(project.folder, 'pq')];
  const args = ['export', run, '--tensorboard', tensorboard, '--parquet', parquet];
  await runCommand(command, args);
  const [name] = await readdir(join(tensorboard, 'one'));
  const events = await readFile(join(tensorboard, 'one', name!));
  for (const tag of ['train/reward', 'eval/tag/miou', 'completions/qa/', 'frames/qa/'])
    expect(events.includes(tag), tag).toBe(true);
  await runCommand(command, args);
  expect(await readdir(join(tensorboard, 'one'))).toEqual([name]);
  expect(await readFile(join(tensorboard, 'one', name!))).toEqual(events);

  await runCommand(command, ['export', run, '--tensorboard']);
  expect(await readFile(join(run, name!))).toEqual(events);

  const file = await asyncBufferFromFile(join(parquet, 'one.parquet'));
  const rows = await parquetReadObjects({ file });
  const lines = (await readLines(join(run, 'completions.jsonl'))) as unknown as Record<string, unknown>[];
  expect(rows).toHaveLength(lines.length);
  for (const [i, row] of rows.entries()) {
    const { step, sample_id, text, reward, advantage, rewards } = lines[i]! as Record<string, never>;
    expect(row).toMatchObject({
      step,
      sample_id,
      text,
      reward,
      advantage,
      'rewards/format': (rewards as unknown as Record<string, number>).format,
    });
  }

  await expect(runCommand(command, ['export', run])).rejects.toMatchObject({ code: 'USAGE' });
  await expect(runCommand(command, ['export', run, run, '--parquet', parquet])).rejects.toThrow('are called one');
});
