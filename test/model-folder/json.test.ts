import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, truncateSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readJsonIfPresent, readTextIfPresent, shortList } from '../../src/model-folder/json.js';
import { folderWith } from '../folder.js';

const NAME = 'tokenizer.json';
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 7031645\n`;

/** Leaves a socket behind. */
const listenOnce = (file: string): void => {
  const script = "require('node:net').createServer().listen(process.argv[1], () => process.exit())";
  execFileSync(process.execPath, ['-e', script, file]);
};

describe('a text file', () => {
  it('is read, and is nothing where there is none', async () => {
    const folder = await folderWith({ [NAME]: 'ä' });
    expect(await readTextIfPresent(path.join(folder, NAME))).toBe('ä');
    expect(await readTextIfPresent(path.join(folder, 'none'))).toBeUndefined();
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['a folder', (file) => mkdirSync(file), /cannot be read \(it is a folder, not a file\)/],
    ['a pipe', (file) => execFileSync('mkfifo', [file]), /cannot be read \(it is a pipe, not a file\)/],
    ['a socket', listenOnce, /cannot be read \(it is a socket, not a file\)/],
    ['a device', (file) => symlinkSync('/dev/zero', file), /cannot be read \(it is a device, not a file\)/],
  ])('is not %s', async (_, make, message) => {
    const file = path.join(await folderWith(), NAME);
    make(file);
    await expect(readTextIfPresent(file)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
    await expect(readTextIfPresent(file)).rejects.toThrow(message);
  });

  it('has at most 32 MiB', async () => {
    const file = path.join(await folderWith({ [NAME]: ' ' }), NAME);
    truncateSync(file, 32 * 2 ** 20 + 1);
    await expect(readTextIfPresent(file)).rejects.toThrow(
      /has 33554433 bytes, and no such file has more than 33554432/,
    );
    truncateSync(file, 32 * 2 ** 20);
    expect(await readTextIfPresent(file)).toHaveLength(32 * 2 ** 20);
  });

  it.runIf(process.platform === 'linux')('is closed, refused or not', async () => {
    const folder = await folderWith({ [NAME]: '{}', large: '' });
    truncateSync(path.join(folder, 'large'), 32 * 2 ** 20 + 1);
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 100; i++) {
      await readTextIfPresent(path.join(folder, NAME));
      await readTextIfPresent(path.join(folder, 'large')).catch(() => undefined);
    }
    expect(open()).toBeLessThan(before + 50);
  });

  it('is not made of brackets', async () => {
    const file = path.join(await folderWith(), NAME);
    for (const pair of ['[],', '{},']) {
      await writeFile(file, pair.repeat(2 ** 21));
      await expect(readTextIfPresent(file)).rejects.toThrow(/cannot be read \(it is mostly brackets\)/);
      await writeFile(file, pair.repeat(2 ** 10));
      expect(await readTextIfPresent(file)).toHaveLength(3 * 2 ** 10);
    }
    await writeFile(file, '["ab","cd"],'.repeat(2 ** 19));
    expect(await readTextIfPresent(file)).toHaveLength(12 * 2 ** 19);
  });

  it.each([
    ['a Git LFS pointer', POINTER, /tokenizer\.json is a Git LFS pointer, not the file itself: run `git lfs pull`/],
    ['a web page', '\n<!DOCTYPE html><html></html>', /tokenizer\.json is a web page/],
  ])('is not %s', async (_, text, message) => {
    const file = path.join(await folderWith({ [NAME]: text }), NAME);
    await expect(readTextIfPresent(file)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
    await expect(readTextIfPresent(file)).rejects.toThrow(message);
  });
});

it('names what does not fit as a whole', async () => {
  const file = path.join(await folderWith({ [NAME]: '[]' }), NAME);
  await expect(readJsonIfPresent({ file, schema: z.object({}) })).rejects.toThrow(/\n {2}\(top level\): .*object/);
});

it('names ten misfits and counts the others', async () => {
  const file = path.join(await folderWith({ [NAME]: JSON.stringify(Array(14).fill('x')) }), NAME);
  const error = await readJsonIfPresent({ file, schema: shortList(z.number(), 14) }).catch((cause: Error) => cause);
  expect(String(error).match(/expected number/g)).toHaveLength(10);
  expect(String(error)).toContain('… and 4 more');
});

it('looks at no item of a list that is too long', async () => {
  const file = path.join(await folderWith({ [NAME]: JSON.stringify(Array(15).fill('x')) }), NAME);
  const error = await readJsonIfPresent({ file, schema: shortList(z.number(), 14) }).catch((cause: Error) => cause);
  expect(String(error)).toMatch(/<=14 items/);
  expect(String(error)).not.toContain('expected number');
});
