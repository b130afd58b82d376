import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { indexVideos } from '../../src/dataset/videos.js';
import { folderWith } from './temporary.js';

async function locator(paths: string[]): Promise<(name: string) => string> {
  const folder = await folderWith(Object.fromEntries(paths.map((path) => [path, ''])));
  const locate = await indexVideos(folder);
  return (name) => {
    const result = locate(name);
    return 'path' in result ? relative(folder, result.path) : result.problem;
  };
}

test('by path, in a subfolder, with another extension or none', async () => {
  const at = await locator(['a.mp4', 'deep/er/b.mp4', 'c.AVI', 'notes.txt']);
  expect(at('a.mp4')).toBe('a.mp4');
  expect(at('./a.mp4')).toBe('a.mp4');
  expect(at('b.mp4')).toBe('deep/er/b.mp4');
  expect(at('er/b.mp4')).toBe('deep/er/b.mp4');
  expect(at('er\\b')).toBe('deep/er/b.mp4');
  expect(at('c.mp4')).toBe('c.AVI');
  expect(at('other/b.mp4')).toBe('video not found');
  expect(at('r/b.mp4')).toBe('video not found');
  expect(at('notes.txt')).toBe('video not found');
});

test('the exact path before its namesakes, the exact extension before others', async () => {
  const at = await locator(['a.mp4', 'x/a.mp4', 'y/b.mp4', 'z/b.avi']);
  expect(at('a.mp4')).toBe('a.mp4');
  expect(at('b.avi')).toBe('z/b.avi');
  expect(at('b')).toBe('several videos fit the name');
  const other = await locator(['x/a.mp4', 'y/a.mp4']);
  expect(other('a.mp4')).toBe('several videos fit the name');
});

test('with and without the prefix of the source', async () => {
  const at = await locator(['Abuse028_x264.mp4', 'msad_Fire_1.mp4', 'MSAD_normal_testing_1.mp4']);
  expect(at('ucf_Abuse028_x264.mp4')).toBe('Abuse028_x264.mp4');
  expect(at('Fire_1.mp4')).toBe('msad_Fire_1.mp4');
  expect(at('MSAD_normal_testing_1.mp4')).toBe('MSAD_normal_testing_1.mp4');
  expect(at('normal_testing_1.mp4')).toBe('video not found');
});

test('a folder that names its source decides about a name without its prefix', async () => {
  const at = await locator(['ECVA/17.mp4', 'UCF-Crime/17.mp4', 'MSAD/18.mp4', 'new/19.mp4']);
  expect(at('ecva_17.mp4')).toBe('ECVA/17.mp4');
  expect(at('ecva_18.mp4')).toBe('video not found');
  expect(at('ecva_19.mp4')).toBe('new/19.mp4');
});

test('a name cannot lead out of the folder', async () => {
  const at = await locator(['a.mp4']);
  for (const name of [
    '../a.mp4',
    'x/../../a.mp4',
    '/etc/a.mp4',
    '..\\a.mp4',
    'C:\\a.mp4',
    'http://host/a.mp4',
    'a\0.mp4',
  ])
    expect(at(name)).toBe('the video name leads out of the folder of videos');
});

test('links are followed, once round; a link to nothing is no video', async () => {
  const elsewhere = await folderWith({ 'b.mp4': '' });
  const folder = await folderWith({ 'a.mp4': '' });
  await symlink(elsewhere, join(folder, 'linked'));
  await symlink(folder, join(folder, 'round'));
  await symlink(join(folder, 'gone.mp4'), join(folder, 'dead.mp4'));
  const locate = await indexVideos(folder);
  expect(locate('b.mp4')).toEqual({ path: join(folder, 'linked/b.mp4') });
  expect(locate('a.mp4')).toEqual({ path: join(folder, 'a.mp4') });
  expect(locate('dead.mp4')).toEqual({ problem: 'video not found' });
});

test('no such folder', async () => {
  await expect(indexVideos('/nowhere/videos')).rejects.toMatchObject({
    code: 'DATA_VIDEOS_UNREADABLE',
    message: expect.stringContaining('/nowhere/videos'),
  });
});
