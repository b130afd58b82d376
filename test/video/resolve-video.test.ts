import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveVideo } from '../../src/video/resolve-video.js';
import { clipFolder } from './clips.js';

const top = await clipFolder();
const root = join(top, 'videos');

beforeAll(async () => {
  await mkdir(join(root, 'sub'), { recursive: true });
  await writeFile(join(top, 'secret.mp4'), '');
  await writeFile(join(root, 'sub', '..odd name.mp4'), '');
  await symlink(join(top, 'secret.mp4'), join(root, 'out.mp4'));
  await symlink(top, join(root, 'up'));
  await symlink(join(root, 'sub'), join(root, 'alias'));
  await symlink(root, join(top, 'linked'));
});

describe('resolveVideo', () => {
  it('finds videos in the folder, through links within it and to it', async () => {
    const file = join(root, 'sub', '..odd name.mp4');
    expect(await resolveVideo({ root, name: 'sub/..odd name.mp4' })).toBe(file);
    expect(await resolveVideo({ root, name: './alias/../sub/..odd name.mp4' })).toBe(file);
    expect(await resolveVideo({ root: join(top, 'linked'), name: 'alias/..odd name.mp4' })).toBe(file);
  });

  it.each(['../secret.mp4', 'sub/../../secret.mp4', '/etc/passwd', 'out.mp4', 'up/secret.mp4', 'a\0b', '', '.', '..'])(
    'refuses %j',
    async (name) => {
      await expect(resolveVideo({ root, name })).rejects.toMatchObject({ name: 'DataError', code: 'VIDEO_OUTSIDE' });
    },
  );

  it('says what is missing', async () => {
    await expect(resolveVideo({ root, name: 'sub/no.mp4' })).rejects.toMatchObject({ code: 'VIDEO_NOT_FOUND' });
    await expect(resolveVideo({ root: join(top, 'no'), name: 'a.mp4' })).rejects.toMatchObject({
      code: 'VIDEO_NOT_FOUND',
    });
  });
});
