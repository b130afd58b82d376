import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { putInPlace } from '../../src/system/put-in-place.js';
import { folderWith } from '../folder.js';

it('takes the place of a file at once, or leaves it and nothing beside it', async () => {
  const folder = await folderWith({ a: 'old' });
  const place = join(folder, 'a');
  const failing = async (file: string) => {
    await writeFile(file, 'ne');
    throw new Error('disk full');
  };
  await expect(putInPlace({ place, make: failing })).rejects.toThrow('disk full');
  expect([await readdir(folder), await readFile(place, 'utf8')]).toEqual([['a'], 'old']);
  await putInPlace({ place, make: (file) => writeFile(file, 'new') });
  expect([await readdir(folder), await readFile(place, 'utf8')]).toEqual([['a'], 'new']);
});

it('does so with folders', async () => {
  const folder = await folderWith();
  const make = async (beside: string) => {
    await mkdir(beside);
    await writeFile(join(beside, 'inner'), 'x');
  };
  await putInPlace({ place: join(folder, 'made'), make });
  expect(await readdir(folder, { recursive: true })).toEqual(['made', join('made', 'inner')]);
});
