import { chmod, chown, symlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { indexVideos } from '../../src/dataset/videos.js';
import { folderWith } from './temporary.js';

async function locator(paths: string[]): Promise<(name: string) => string> {
  const folder = await folderWith(Object.fromEntries(paths.map((path) => [path, ''])));
  const locate = await indexVideos({ folder, warn: expect.unreachable });
  return (name) => {
    const result = locate({ kind: 'video', name });
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
  expect(at('b')).toBe('several files fit the name');
  const other = await locator(['x/a.mp4', 'y/a.mp4']);
  expect(other('a.mp4')).toBe('several files fit the name');
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
  for (const name of ['../a.mp4', 'x/../../a.mp4', '/etc/a.mp4', '..\\a.mp4', 'C:\\a.mp4', 'file:///etc/a.mp4'])
    expect(at(name)).toBe('the video name leads out of the folder of videos');
  for (const name of ['http://host/a.mp4', 'rtsp://camera/a.mp4'])
    expect(at(name)).toBe('the video name is a web address, not a file of the folder of videos');
  for (const name of ['a\0.mp4', 'file:%zz.mp4', '']) expect(at(name)).toBe('video not found');
  expect(at('x/../a.mp4')).toBe('a.mp4');
});

test('names that cameras and other programs write', async () => {
  const at = await locator([
    '2024-01-01T10:00:00.mp4',
    'cam:1/16:38:41.mp4',
    ' spaced .mp4',
    'back\\slash.mp4',
    '100%.mp4',
  ]);
  expect(at('2024-01-01T10:00:00.mp4')).toBe('2024-01-01T10:00:00.mp4');
  expect(at('cam:1/16:38:41.mp4')).toBe('cam:1/16:38:41.mp4');
  expect(at('cam:1\\16:38:41')).toBe('cam:1/16:38:41.mp4');
  expect(at(' spaced .mp4')).toBe(' spaced .mp4');
  expect(at('100%.mp4 ')).toBe('100%.mp4');
  expect(at('back\\slash.mp4')).toBe('back\\slash.mp4');
});

test('letters with accents, however the disk and the annotation write them', async () => {
  const [apart, composed] = ['Cafe\u0301.mp4', 'Caf\u00e9.mp4'];
  for (const [onDisk, other] of [
    [apart, composed],
    [composed, apart],
  ] as const) {
    const at = await locator([`x/${onDisk}`]);
    for (const name of [onDisk, other, `x/${other}`]) expect(at(name)).toBe(`x/${onDisk}`);
  }
  const both = await locator([apart, composed]);
  expect(both(apart)).toBe(apart);
  expect(both(composed)).toBe(composed);
});

test('an absolute path, a URL of a file, and a path that begins with the folder’s own name', async () => {
  const outer = await folderWith({ 'clips/a b.mp4': '', 'clips/x/c.mp4': '', 'other.mp4': '' });
  const folder = join(outer, 'clips');
  await symlink(folder, join(outer, 'link'));
  for (const root of [folder, join(outer, 'link')]) {
    const locate = await indexVideos({ folder: root, warn: expect.unreachable });
    const found = { path: join(root, 'a b.mp4') };
    for (const name of [join(root, 'a b.mp4'), join(folder, 'a b.mp4'), join(root, 'x/../a b')])
      expect(locate({ kind: 'video', name })).toEqual(found);
    expect(locate({ kind: 'video', name: pathToFileURL(join(root, 'a b.mp4')).href })).toEqual(found);
    expect(locate({ kind: 'video', name: 'file:a b.mp4' })).toEqual(found);
    expect(locate({ kind: 'video', name: join(outer, 'other.mp4') })).toEqual({
      problem: 'the video name leads out of the folder of videos',
    });
    // It is the path that counts, not its last part.
    expect(locate({ kind: 'video', name: join(root, 'c.mp4') })).toEqual({ problem: 'video not found' });
    expect(locate({ kind: 'video', name: `${basename(root)}/x/c.mp4` })).toEqual({ path: join(root, 'x/c.mp4') });
  }
});

test('a folder in it that cannot be read is passed over, and told', async () => {
  const folder = await folderWith({ 'a.mp4': '', 'lost+found/b.mp4': '' });
  await chmod(join(folder, 'lost+found'), 0);
  const isRoot = process.geteuid?.() === 0;
  const told: string[] = [];
  // For root there is no folder that cannot be read.
  if (isRoot) await chown(folder, 65534, 65534);
  if (isRoot) process.seteuid!(65534);
  const locate = await indexVideos({ folder, warn: (message) => told.push(message) }).finally(() => {
    if (isRoot) process.seteuid!(0);
  });
  expect(told).toEqual([`${join(folder, 'lost+found')} cannot be read (EACCES): what is in it is not found`]);
  expect(locate({ kind: 'video', name: 'a.mp4' })).toEqual({ path: join(folder, 'a.mp4') });
  expect(locate({ kind: 'video', name: 'b.mp4' })).toEqual({ problem: 'video not found' });
});

test('links are followed, once round; a link to nothing is no video', async () => {
  const elsewhere = await folderWith({ 'b.mp4': '' });
  const folder = await folderWith({ 'a.mp4': '' });
  await symlink(elsewhere, join(folder, 'linked'));
  await symlink(folder, join(folder, 'round'));
  await symlink(join(folder, 'gone.mp4'), join(folder, 'dead.mp4'));
  const locate = await indexVideos({ folder, warn: expect.unreachable });
  expect(locate({ kind: 'video', name: 'b.mp4' })).toEqual({ path: join(folder, 'linked/b.mp4') });
  expect(locate({ kind: 'video', name: 'a.mp4' })).toEqual({ path: join(folder, 'a.mp4') });
  expect(locate({ kind: 'video', name: 'dead.mp4' })).toEqual({ problem: 'video not found' });
});

test('no such folder', async () => {
  await expect(indexVideos({ folder: '/nowhere/videos', warn: expect.unreachable })).rejects.toMatchObject({
    code: 'DATA_VIDEOS_UNREADABLE',
    message: expect.stringContaining('/nowhere/videos'),
  });
});
