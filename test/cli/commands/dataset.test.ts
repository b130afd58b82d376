import { readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../../../src/cli/commands/dataset.js';
import { folderWith, vauBench } from '../../dataset/temporary.js';
import { ffmpeg } from '../../video/clips.js';
import { runCommand } from './run.js';

/** Four seconds of ten frames. */
const clip = (file: string) =>
  ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=4', '-pix_fmt', 'yuv420p', '-movflags', '+faststart', file]);

const dataset = (...args: string[]) => runCommand(command, ['dataset', ...args]);
const files = () =>
  folderWith({
    'val.csv': vauBench([
      {},
      { video: 'gone.mp4', answer: 'E' },
      'ragged',
      { video: 'b.mp4', label: 'Normal', times: '0.0,0.0' },
    ]),
    'bad.csv': vauBench(['ragged']),
    'videos/a.mp4': '',
    'videos/b.avi': '',
  });

test('check, for people', async () => {
  const folder = await files();
  for (const name of ['a.mp4', 'b.avi']) await clip(join(folder, 'videos', name));
  const { stdout } = await dataset('check', `${folder}/val.csv`, '--videos', `${folder}/videos`);
  expect(stdout).toContain(`${folder}/val.csv (vau-bench): 4 rows\n`);
  expect(stdout).toMatch(/^tag +2 +1 +video not found \(row 3\)$/m);
  expect(stdout).toMatch(/^unreadable 1 row left out: not as many fields as columns \(row 4\)$/m);
  expect(stdout).toMatch(/^videos +2 of 3 found\n +not found \(1\): gone\.mp4$/m);
  const without = await dataset('check', `${folder}/val.csv`);
  expect(without.stdout).toMatch(/^qa +2 +1 +the correct option is not one of A, B, C, D \(row 3\)$/m);
});

test('check looks into the videos: times that are not theirs, a part that is not there, a file that is none', async () => {
  const lines = [
    { id: 'fine', video: 'a.mp4', segment: [1, 4] },
    { id: 'frames', video: 'a.mp4', segment: [10, 35] },
    { id: 'late', video: 'a.mp4', segment: [1, 4.5], class: 'Fire' },
    { id: 'cut', video: 'cut.mp4', segment: [3, 4], class: 'Fire' },
    { id: 'none', video: 'none.mp4', segment: [1, 2] },
  ];
  const folder = await folderWith({
    'mine.jsonl': lines.map((line) => JSON.stringify(line)).join('\n'),
    'videos/none.mp4': 'no video',
  });
  const videos = join(folder, 'videos');
  for (const name of ['a.mp4', 'cut.mp4']) await clip(join(videos, name));
  await truncate(join(videos, 'cut.mp4'), Math.floor((await stat(join(videos, 'cut.mp4'))).size * 0.6));
  const { stdout } = await dataset('check', join(folder, 'mine.jsonl'), '--videos', videos);
  expect(stdout).toMatch(/^tag +1 +1 +the segment ends after the video \(frame numbers\?\) \(row 2\)$/m);
  expect(stdout).toMatch(/^ +1 +the segment ends after the video \(another version of the video\?\) \(row 3\)$/m);
  expect(stdout).toMatch(/^ +1 +the segment ends after the video \(the file is cut off or damaged\) \(row 4\)$/m);
  expect(stdout).toMatch(/^ +1 +the video cannot be read \(row 5\)$/m);
  expect(stdout).toMatch(/^cls +1 +/m);
  expect(stdout).toMatch(/^ +cut off or damaged \(1\): cut\.mp4$/m);
  expect(stdout).toMatch(/^ +cannot be read \(1\): none\.mp4$/m);
  expect(stdout).toMatch(
    /frames:tag: its segment \[10, 35\] .* 4 s are there: .*at 10 frames a second they are \[1, 3.5\] s/,
  );
});

test('check reports on the annotations where there is no such folder of videos, and fails', async () => {
  const folder = await files();
  await expect(dataset('check', `${folder}/val.csv`, '--videos', `${folder}/nowhere`)).rejects.toMatchObject({
    code: 'DATA_VIDEOS_UNREADABLE',
    stdout: expect.stringMatching(/^qa +2 +1 +the correct option is not one of A, B, C, D/m),
  });
});

test('check, for programs, of several files', async () => {
  const folder = await files();
  const { stdout } = await dataset('check', `${folder}/val.csv`, `${folder}/val.csv`, '--json');
  const report = JSON.parse(stdout);
  expect(report.files.map(({ rows }: { rows: number }) => rows)).toEqual([4, 4]);
  expect(report.overlaps[0].videos).toEqual(['a.mp4', 'gone.mp4', 'b.mp4']);
});

test('check takes the labels of one’s own', async () => {
  const folder = await files();
  const { stdout } = await dataset('check', `${folder}/val.csv`, '--classes', 'Calm, Fighting', '--json');
  expect(JSON.parse(stdout).files[0].classes).toEqual({ Fighting: 2 });
});

test('check fails, after its report, where no task can use any row', async () => {
  const folder = await files();
  const failed = dataset('check', `${folder}/bad.csv`);
  await expect(failed).rejects.toMatchObject({
    code: 'DATA_NOTHING_USABLE',
    message: expect.stringContaining('bad.csv'),
  });
});

test('convert writes what can be used and counts the rest; it does not write over a file', async () => {
  const folder = await files();
  const out = join(folder, 'mine.jsonl');
  const { stderr } = await dataset('convert', `${folder}/val.csv`, '--to', 'jsonl', out);
  expect(stderr).toContain('1 row left out: not as many fields as columns (row 4)');
  expect(stderr).toContain(`${out}: 3 of 4 rows\n`);
  const lines = (await readFile(out, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ video, segment, answer }) => [video, segment, answer])).toEqual([
    ['a.mp4', [1.5, 4], 'A'],
    ['gone.mp4', [1.5, 4], undefined],
    ['b.mp4', 'normal', 'A'],
  ]);
  const again = dataset('convert', `${folder}/val.csv`, '--to', 'jsonl', out);
  await expect(again).rejects.toMatchObject({ code: 'FILE_EXISTS', exitCode: 2 });
  await dataset('convert', out, '--to', 'vau-bench', join(folder, 'back.csv'), '--force');
  expect((await dataset('check', join(folder, 'back.csv'))).stdout).toMatch(/^qa +2 /m);
});

test('what nobody uses is told by check and by convert', async () => {
  const folder = await folderWith({
    'mine.jsonl': '{"video": "a.mp4", "class": "Fire", "segmnet": [1, 2], "segment": [9, 3]}',
  });
  const file = join(folder, 'mine.jsonl');
  const field = 'not used in 1 row: the field “segmnet” is not known; did you mean “segment”? (row 1)';
  expect((await dataset('check', file)).stdout).toContain(`\nfields     ${field}\n`);
  const { stderr } = await dataset('convert', file, '--to', 'vau-bench', join(folder, 'mine.csv'));
  expect(stderr).toContain(`${file}: ${field}\n`);
  expect(stderr).toContain(`${file}: not used in 1 row: the end is not after the start (row 1)\n`);
});

test('a JSON list is told as one', async () => {
  const folder = await folderWith({ 'list.json': '[\n  {"video": "a.mp4"}\n]' });
  const check = dataset('check', join(folder, 'list.json'));
  await expect(check).rejects.toMatchObject({ code: 'DATA_FORMAT' });
  await expect(check).rejects.toThrow(`jq -c '.[]' ${folder}/list.json > ${folder}/list.jsonl`);
});
