import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTextFile } from '../../src/dataset/text-file.js';
import { folderWith } from '../folder.js';

test.skipIf(process.platform === 'win32')('what has no end is not read: pipes, devices, folders', async () => {
  const folder = await folderWith();
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const [file, kind] of [
    [pipe, 'a pipe'],
    ['/dev/zero', 'a device'],
    [folder, 'a folder'],
  ] as const) {
    await expect(readTextFile(file)).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: `${file}: it cannot be read (it is ${kind}, not a file); check the path`,
    });
  }
});
