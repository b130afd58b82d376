import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VAU_BENCH_CLASSES as classes } from '../../src/dataset/classes.js';
import { datasetStats } from '../../src/dataset/stats.js';
import { indexVideos } from '../../src/dataset/videos.js';
import { folderWith, vauBench } from './temporary.js';

test('what is tabulated, and what files share by name and by content', async () => {
  const folder = await folderWith({
    'videos/a.mp4': 'the same',
    'videos/b.mp4': 'the same',
    'videos/c.mp4': 'other...',
    'train.csv': vauBench([
      { video: 'a.mp4', times: '1,3' },
      { video: 'c.mp4', label: 'Normal', times: '0,0' },
      { video: 'c.mp4', label: 'Normal', times: '0,0', question: 'And then?' },
    ]),
    'test.csv': vauBench([{ video: 'b.mp4', times: '0,10' }, { video: 'gone.mp4' }, { video: 'c.mp4' }]),
  });
  const files = [join(folder, 'train.csv'), join(folder, 'test.csv')];
  const locate = await indexVideos({ folder: join(folder, 'videos'), warn: expect.unreachable });
  const stats = await datasetStats({ files, classes, videos: { locate, durationOf: async () => 1800 } });
  expect(stats.files).toMatchObject([
    {
      rows: 3,
      videos: 2,
      hours: 1,
      missing: 0,
      qa_pairs: 3,
      anomalous: 1,
      normal: 2,
      segments: { count: 1, shortest: 2, median: 2, longest: 2 },
      repeated: { 'c.mp4': 2 },
    },
    { rows: 3, videos: 3, hours: 1, missing: 1 },
  ]);
  expect(stats.overlaps.map(({ videos }) => videos)).toEqual([['c.mp4']]);
  expect(stats.same_content).toEqual([
    {
      names: [
        { file: files[0], name: 'a.mp4' },
        { file: files[1], name: 'b.mp4' },
      ],
      across: true,
    },
  ]);
  await writeFile(join(folder, 'videos/b.mp4'), 'changed.');
  expect((await datasetStats({ files, classes, videos: { locate, durationOf: async () => 1 } })).same_content).toEqual(
    [],
  );
});
